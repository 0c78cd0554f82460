package postgis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sarhad/incident"
)

var (
	_ incident.TokenKeeper = (*Store)(nil)
	_ incident.Auditor     = (*Store)(nil)
)

// execer runs a statement: a connection or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// audit adds an entry to the audit log.
func (s *Store) audit(ctx context.Context, c execer, e incident.AuditEntry) error {
	if _, err := c.Exec(ctx, "INSERT INTO audit (at, who, action, object, result) VALUES ($1, $2, $3, $4, $5)", s.opt.Now().UTC(), stored(e.Who), string(e.Action), stored(e.Object), stored(e.Result)); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// AuditLog implements [incident.Auditor].
func (s *Store) AuditLog(ctx context.Context, since time.Time) ([]incident.AuditEntry, error) {
	rows, err := s.pool.Query(ctx, "SELECT id, at, who, action, object, result FROM audit WHERE at >= $1 ORDER BY id", since.UTC())
	var list []incident.AuditEntry
	if err == nil {
		var e incident.AuditEntry
		var who, action, object, result *string
		_, err = pgx.ForEachRow(rows, []any{&e.ID, &e.When, &who, &action, &object, &result}, func() error {
			e.When = e.When.UTC()
			e.Who, e.Action, e.Object, e.Result = shown(who), incident.AuditAction(shown(action)), shown(object), shown(result)
			list = append(list, e)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", domainError(ctx, err))
	}
	return list, nil
}

// changeTokens runs fn in a transaction, whatever load is running.
func (s *Store) changeTokens(ctx context.Context, fn func(tx pgx.Tx) error) error {
	w, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer w.release()
	return w.tx(ctx, fn)
}

// AddToken implements [incident.TokenKeeper].
func (s *Store) AddToken(ctx context.Context, t incident.Token) error {
	err := s.changeTokens(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "INSERT INTO tokens (id, name, scope, hash, created, expires, revoked) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
			t.ID, stored(t.Name), string(t.Scope), t.Hash[:], t.Created.UTC(), moment(t.Expires), moment(t.Revoked))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return incident.Errorf(incident.CodeConflict, "There is a token %s already.", t.ID)
		}
		return s.audit(ctx, tx, incident.AuditOf(ctx, incident.AuditTokenCreated, t.Who(), "scope "+string(t.Scope)))
	})
	if err != nil {
		return fmt.Errorf("keep a token: %w", domainError(ctx, err))
	}
	return nil
}

// moment is a time as it is stored, nil for zero.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// RevokeToken implements [incident.TokenKeeper].
func (s *Store) RevokeToken(ctx context.Context, id string) error {
	err := s.changeTokens(ctx, func(tx pgx.Tx) error {
		list, err := readTokens(ctx, tx, "WHERE id = $1 FOR UPDATE", id)
		if err != nil {
			return err
		}
		t, err := incident.RevocableToken(list, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE tokens SET revoked = $1 WHERE id = $2", s.opt.Now().UTC(), id); err != nil {
			return err
		}
		return s.audit(ctx, tx, incident.AuditOf(ctx, incident.AuditTokenRevoked, t.Who(), ""))
	})
	if err != nil {
		return fmt.Errorf("revoke a token: %w", domainError(ctx, err))
	}
	return nil
}

// Token implements [incident.TokenKeeper].
func (s *Store) Token(ctx context.Context, id string) (incident.Token, error) {
	list, err := s.tokens(ctx, "WHERE id = $1", id)
	if err != nil {
		return incident.Token{}, err
	}
	return incident.OneToken(list, id)
}

// Tokens implements [incident.TokenKeeper].
func (s *Store) Tokens(ctx context.Context) ([]incident.Token, error) {
	return s.tokens(ctx, "ORDER BY number")
}

func (s *Store) tokens(ctx context.Context, where string, args ...any) ([]incident.Token, error) {
	list, err := readTokens(ctx, s.pool, where, args...)
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", domainError(ctx, err))
	}
	return list, nil
}

func readTokens(ctx context.Context, c querier, where string, args ...any) (list []incident.Token, err error) {
	rows, err := c.Query(ctx, "SELECT id, name, scope, hash, created, expires, revoked FROM tokens "+where, args...)
	if err != nil {
		return nil, err
	}
	var t incident.Token
	var name *string
	var scope string
	var hash []byte
	var expires, revoked *time.Time
	_, err = pgx.ForEachRow(rows, []any{&t.ID, &name, &scope, &hash, &t.Created, &expires, &revoked}, func() error {
		t.Name, t.Scope, t.Created, t.Expires, t.Revoked = shown(name), incident.Scope(scope), t.Created.UTC(), time.Time{}, time.Time{}
		if expires != nil {
			t.Expires = expires.UTC()
		}
		if revoked != nil {
			t.Revoked = revoked.UTC()
		}
		if copy(t.Hash[:], hash) != len(t.Hash) {
			return errors.New("the record of a token is damaged")
		}
		list = append(list, t)
		return nil
	})
	return list, err
}
