package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"sarhad/incident"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it, which is done only this once."`
	List   tokenListCmd   `cmd:"" help:"List the tokens, without what their holders show."`
	Revoke tokenRevokeCmd `cmd:"" help:"End a token at once."`
}

// maxTokenName is the most characters that the name of a token has.
const maxTokenName = 60

type tokenCreateCmd struct {
	storeFlag
	Scope   string `help:"What its holder may do: read (closed layers, and places neither delayed nor blurred), write (load files and undo them), admin (both, and undo what others loaded)." enum:"read,write,admin" required:""`
	Name    string `help:"What to call it in lists and in the audit log; better what it is for than whose it is." placeholder:"NAME"`
	Expires string `help:"The last day on which it is valid, in UTC; without it until it is revoked." placeholder:"YYYY-MM-DD"`
}

// Run implements the command.
func (c *tokenCreateCmd) Run(e *env) error {
	now := time.Now().UTC().Truncate(time.Second)
	var expires time.Time
	if c.Expires != "" {
		d, err := incident.ParseDay(c.Expires)
		if err != nil || !d.Time().AddDate(0, 0, 1).After(now) {
			fmt.Fprintf(e.stderr, "sarhad: --expires takes a day that is not over, YYYY-MM-DD, not %q\n", c.Expires)
			return exitError(exitUsage)
		}
		expires = d.Time().UTC().AddDate(0, 0, 1)
	}
	name := strings.TrimSpace(c.Name)
	if len([]rune(name)) > maxTokenName || strings.ContainsFunc(name, unicode.IsControl) {
		fmt.Fprintf(e.stderr, "sarhad: --name takes at most %d characters on one line\n", maxTokenName)
		return exitError(exitUsage)
	}
	st, err := e.openExisting(c.Store)
	if err != nil {
		return err
	}
	defer st.Close()
	text, token := incident.NewToken(name, incident.Scope(c.Scope), now, expires)
	if err := st.AddToken(e.ctx, token); err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "Token %s, scope %s, %s. It is shown only now; whoever has it sends Authorization: Bearer TOKEN.\n", token.ID, token.Scope, validity(&token, now))
	_, err = fmt.Fprintln(e.stdout, text)
	return err
}

// validity says how long a token is valid.
func validity(t *incident.Token, now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked " + t.Revoked.Format(time.DateOnly)
	case t.Expires.IsZero():
		return "valid until it is revoked"
	case !t.Valid(now):
		return "expired " + t.Expires.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return "valid through " + t.Expires.AddDate(0, 0, -1).Format(time.DateOnly)
}

type tokenListCmd struct {
	storeFlag
	JSON bool `help:"Print one token a line as JSON."`
}

// tokenLine is a token as --json prints it.
type tokenLine struct {
	ID      string     `json:"id"`
	Name    *string    `json:"name"`
	Scope   string     `json:"scope"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires"`
	Revoked *time.Time `json:"revoked"`
	Valid   bool       `json:"valid"`
}

// Run implements the command.
func (c *tokenListCmd) Run(e *env) error {
	st, err := e.openExisting(c.Store)
	if err != nil {
		return err
	}
	defer st.Close()
	list, err := st.Tokens(e.ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	for i := range list {
		t := &list[i]
		if c.JSON {
			err = enc.Encode(tokenLine{ID: t.ID, Name: known(t.Name), Scope: string(t.Scope), Created: t.Created, Expires: momentOrNull(t.Expires), Revoked: momentOrNull(t.Revoked), Valid: t.Valid(now)})
		} else {
			_, err = fmt.Fprintf(e.stdout, "%s  %-5s  made %s, %s  %s\n", t.ID, t.Scope, t.Created.Format(time.DateOnly), validity(t, now), t.Name)
		}
		if err != nil {
			return fmt.Errorf("print the tokens: %w", err)
		}
	}
	if len(list) == 0 && !c.JSON {
		_, err := fmt.Fprintln(e.stdout, "There are no tokens. Make one with: sarhad token create --scope write")
		return err
	}
	return nil
}

func momentOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type tokenRevokeCmd struct {
	storeFlag
	ID string `arg:"" help:"ID of the token, as listed."`
}

// Run implements the command.
func (c *tokenRevokeCmd) Run(e *env) error {
	st, err := e.openExisting(c.Store)
	if err != nil {
		return err
	}
	defer st.Close()
	id := c.ID
	if whole, ok := incident.TokenID(id); ok { // who has only the token itself
		id = whole
	}
	if err := st.RevokeToken(e.ctx, id); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "Revoked token %s; nobody gets in with it any more.\n", id)
	return err
}
