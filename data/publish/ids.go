package publish

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base32"
	"fmt"

	"sarhad/incident"
)

// publicIDs makes the ids by which everybody knows blurred incidents. The true
// id is a hash of the row, which who guesses the row can make too; this one is
// the true id enciphered by the secret of the store.
type publicIDs struct{ block cipher.Block }

func newPublicIDs(secret []byte) (*publicIDs, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("use the secret of the store: %w", err)
	}
	return &publicIDs{block}, nil
}

const (
	// publicLetter begins a public id; true ids begin with another letter.
	publicLetter = "b"
	// hashedID marks, in the place of the length, an id that is too long to be held.
	hashedID = 0x80
)

var idLetters = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// public gives the id that everybody sees.
func (p *publicIDs) public(id string) string {
	var b [aes.BlockSize]byte
	if len(id) < len(b) {
		b[0] = byte(len(id))
		copy(b[1:], id)
	} else { // none that incident.ID makes; it cannot be turned back
		sum := sha256.Sum256([]byte(id))
		copy(b[:], sum[:])
		b[0] = hashedID
	}
	p.block.Encrypt(b[:], b[:])
	return publicLetter + idLetters.EncodeToString(b[:])
}

// truth turns a public id back; ok is false for what is none.
func (p *publicIDs) truth(public string) (id string, ok bool) {
	if len(public) != 1+idLetters.EncodedLen(aes.BlockSize) || public[:1] != publicLetter {
		return "", false
	}
	b, err := idLetters.DecodeString(public[1:])
	if err != nil || len(b) != aes.BlockSize {
		return "", false
	}
	p.block.Decrypt(b, b)
	if int(b[0]) >= len(b) {
		return "", false
	}
	id = string(bytes.TrimRight(b[1:1+b[0]], "\x00"))
	return id, p.public(id) == public
}

// kind tells secrets apart without telling them.
func (p *publicIDs) kind() string {
	sum := sha256.Sum256([]byte(p.public("kind")))
	return fmt.Sprintf("%x", sum[:8])
}

// notThere is the error for an incident that is not to be seen under an id.
func notThere(id string) error {
	return incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
}
