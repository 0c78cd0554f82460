package gpkg

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"sarhad/incident"
)

var (
	_ incident.TokenKeeper = (*Store)(nil)
	_ incident.Auditor     = (*Store)(nil)
)

// audit adds an entry to the audit log in the transaction at hand.
func (s *Store) audit(c *conn, e incident.AuditEntry) error {
	if err := c.exec("INSERT INTO audit (at, who, action, object, result) VALUES (?, ?, ?, ?, ?)", timestamp(s.opt.Now()), text(e.Who), string(e.Action), e.Object, text(e.Result)); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// AuditLog implements [incident.Auditor].
func (s *Store) AuditLog(ctx context.Context, since time.Time) ([]incident.AuditEntry, error) {
	var list []incident.AuditEntry
	from := "" // before all moments as they are written
	if !since.IsZero() {
		from = timestamp(since)
	}
	err := s.withReader(ctx, func(c *conn) error {
		return c.each(ctx, "SELECT fid, +at, who, action, object, result FROM audit WHERE +at >= ? ORDER BY fid", bind(from), func(v []driver.Value) error {
			e := incident.AuditEntry{When: momentOf(v[1])}
			e.ID, _ = v[0].(int64)
			e.Who, e.Object, e.Result = cloned(v[2]), cloned(v[4]), cloned(v[5])
			e.Action = incident.AuditAction(cloned(v[3]))
			list = append(list, e)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", domainError(err))
	}
	return list, nil
}

// momentOf reads a time as it is stored, zero for null.
func momentOf(v driver.Value) time.Time {
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// cloned is a text of the driver, "" for null.
func cloned(v driver.Value) string {
	s, _ := v.(string)
	return strings.Clone(s)
}

// changeTokens runs fn in a transaction. It does not wait for loads but for their batches.
func (s *Store) changeTokens(fn func(c *conn) error) error {
	if s.opt.ReadOnly {
		return incident.Errorf(incident.CodeUnavailable, "The store was opened read-only.")
	}
	s.wmu.Lock()
	defer s.wmu.Unlock()
	c := s.writer
	switch {
	case c == nil:
		return errClosed
	case !c.c.AutoCommit(): // an atomic load of this process holds it
		return incident.ErrBusy
	}
	return c.tx(func() error { return fn(c) })
}

// AddToken implements [incident.TokenKeeper].
func (s *Store) AddToken(ctx context.Context, t incident.Token) error {
	err := s.changeTokens(func(c *conn) error {
		if n, err := c.integer(ctx, "SELECT count(*) FROM tokens WHERE id = ?", t.ID); err != nil || n > 0 {
			return errors.Join(err, incident.Errorf(incident.CodeConflict, "There is a token %s already.", t.ID))
		}
		if err := c.exec("INSERT INTO tokens (id, name, scope, hash, created, expires, revoked) VALUES (?, ?, ?, ?, ?, ?, ?)", t.ID, text(t.Name), string(t.Scope),
			hex.EncodeToString(t.Hash[:]), timestamp(t.Created), moment(t.Expires), moment(t.Revoked)); err != nil {
			return err
		}
		return s.audit(c, incident.AuditOf(ctx, incident.AuditTokenCreated, t.Who(), "scope "+string(t.Scope)))
	})
	if err != nil {
		return fmt.Errorf("keep a token: %w", domainError(err))
	}
	return nil
}

// moment is a time as it is stored, nil for zero.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return timestamp(t)
}

// RevokeToken implements [incident.TokenKeeper].
func (s *Store) RevokeToken(ctx context.Context, id string) error {
	err := s.changeTokens(func(c *conn) error {
		list, err := readTokens(ctx, c, "WHERE id = ?", id)
		if err != nil {
			return err
		}
		t, err := incident.RevocableToken(list, id)
		if err != nil {
			return err
		}
		if err := c.exec("UPDATE tokens SET revoked = ? WHERE id = ?", timestamp(s.opt.Now()), id); err != nil {
			return err
		}
		return s.audit(c, incident.AuditOf(ctx, incident.AuditTokenRevoked, t.Who(), ""))
	})
	if err != nil {
		return fmt.Errorf("revoke a token: %w", domainError(err))
	}
	return nil
}

// Token implements [incident.TokenKeeper].
func (s *Store) Token(ctx context.Context, id string) (incident.Token, error) {
	list, err := s.tokens(ctx, "WHERE id = ?", id)
	if err != nil {
		return incident.Token{}, err
	}
	return incident.OneToken(list, id)
}

// Tokens implements [incident.TokenKeeper].
func (s *Store) Tokens(ctx context.Context) ([]incident.Token, error) {
	return s.tokens(ctx, "ORDER BY fid")
}

func (s *Store) tokens(ctx context.Context, where string, args ...any) (list []incident.Token, err error) {
	err = s.withReader(ctx, func(c *conn) (err error) {
		list, err = readTokens(ctx, c, where, args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", domainError(err))
	}
	return list, nil
}

func readTokens(ctx context.Context, c *conn, where string, args ...any) (list []incident.Token, err error) {
	err = c.each(ctx, "SELECT id, name, scope, hash, +created, +expires, +revoked FROM tokens "+where, bind(args...), func(v []driver.Value) error {
		t := incident.Token{ID: cloned(v[0]), Name: cloned(v[1]), Scope: incident.Scope(cloned(v[2])), Created: momentOf(v[4]), Expires: momentOf(v[5]), Revoked: momentOf(v[6])}
		hash, err := hex.DecodeString(cloned(v[3]))
		if err != nil || copy(t.Hash[:], hash) != len(t.Hash) {
			return incident.Errorf(incident.CodeInternal, "The record of the token %s is damaged.", t.ID)
		}
		list = append(list, t)
		return nil
	})
	return list, err
}
