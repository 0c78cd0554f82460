package incident

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// Scope is what the holder of a token may do.
type Scope string

// The scopes.
const (
	// ScopeRead sees closed layers, and incidents neither delayed nor blurred.
	ScopeRead Scope = "read"
	// ScopeWrite loads files over HTTP and undoes its own imports. It sees no more than everybody.
	ScopeWrite Scope = "write"
	// ScopeAdmin does what the others do and undoes the imports of others.
	ScopeAdmin Scope = "admin"
)

// Scopes lists the scopes.
var Scopes = []Scope{ScopeRead, ScopeWrite, ScopeAdmin}

// Allows reports whether a scope includes another. "" includes none.
func (s Scope) Allows(other Scope) bool { return s != "" && (s == other || s == ScopeAdmin) }

// Token is the record of a token. The token itself is shown once, when it is made, and kept nowhere.
type Token struct {
	// ID is public and names the token in lists and in the audit log: eight digits in hexadecimal.
	ID string
	// Name is what the operator calls it, "" for none.
	Name string
	// Scope is what its holder may do.
	Scope Scope
	// Hash is the SHA-256 of the token. The token holds 256 random bits, so that nobody finds it from the hash by trying.
	Hash [sha256.Size]byte
	// Created is when it was made, Expires the first moment at which it is not valid any more, and Revoked when it was
	// revoked; the last two are zero for never.
	Created, Expires, Revoked time.Time
}

const (
	tokenPrefix  = "sarhad_"
	tokenIDBytes = 4
	tokenBytes   = 32
)

// NewToken makes a token. text is what its holder shows: "sarhad_", the ID, "_" and 256 random bits in base64url.
func NewToken(name string, scope Scope, now, expires time.Time) (text string, t Token) {
	var id [tokenIDBytes]byte
	var secret [tokenBytes]byte
	_, _ = rand.Read(id[:]) // never fails
	_, _ = rand.Read(secret[:])
	t = Token{ID: hex.EncodeToString(id[:]), Name: name, Scope: scope, Created: now, Expires: expires}
	text = tokenPrefix + t.ID + "_" + base64.RawURLEncoding.EncodeToString(secret[:])
	t.Hash = sha256.Sum256([]byte(text))
	return text, t
}

// TokenID takes the ID out of what the holder of a token shows; ok is false for what is no token of this kind.
func TokenID(text string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok || len(rest) != 2*tokenIDBytes+1+base64.RawURLEncoding.EncodedLen(tokenBytes) || rest[2*tokenIDBytes] != '_' {
		return "", false
	}
	return rest[:2*tokenIDBytes], true
}

// Matches reports whether a text is the token, in a time that does not depend on where they differ.
func (t *Token) Matches(text string) bool {
	hash := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(hash[:], t.Hash[:]) == 1
}

// Valid reports whether the token is neither revoked nor expired at a moment.
func (t *Token) Valid(now time.Time) bool {
	return t.Revoked.IsZero() && (t.Expires.IsZero() || now.Before(t.Expires))
}

// Who names the token in the records of imports and in the audit log.
func (t *Token) Who() string {
	if t.Name == "" {
		return "token " + t.ID
	}
	return "token " + t.ID + " " + t.Name
}

// TokenKeeper keeps the records of tokens. What it does is no change of the incidents: the change number stays. All
// methods are safe for concurrent use.
type TokenKeeper interface {
	// AddToken keeps a new token and writes the audit log. It fails with CodeConflict for an ID that is there.
	AddToken(ctx context.Context, t Token) error
	// Token gives the record of one. It fails with CodeNotFound.
	Token(ctx context.Context, id string) (Token, error)
	// Tokens lists all, also expired and revoked ones, in the order in which they were made.
	Tokens(ctx context.Context) ([]Token, error)
	// RevokeToken ends a token and writes the audit log; the record stays. It fails with CodeNotFound, and with
	// CodeConflict for one that was revoked.
	RevokeToken(ctx context.Context, id string) error
}

// OneToken gives the only token of a list. It fails with CodeNotFound for an empty one.
func OneToken(list []Token, id string) (Token, error) {
	if len(list) == 0 {
		return Token{}, Errorf(CodeNotFound, "There is no token %q.", id)
	}
	return list[0], nil
}

// RevocableToken gives the only token of a list, to be revoked. It fails with
// CodeNotFound for an empty one and with CodeConflict for a token that was revoked.
func RevocableToken(list []Token, id string) (Token, error) {
	t, err := OneToken(list, id)
	if err == nil && !t.Revoked.IsZero() {
		err = Errorf(CodeConflict, "The token %s was revoked before.", id)
	}
	return t, err
}
