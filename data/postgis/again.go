package postgis

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// readers are the connections that read. After the server was restarted all of
// them are broken, and each would fail one question: a question that finds its
// connection broken before anything of the answer has come is asked once more on
// a new one. What writes has a connection of its own and is never repeated.
type readers struct{ *pgxpool.Pool }

// Query is that of the pool.
func (p readers) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := p.Pool.Query(ctx, sql, args...)
	if p.broken(ctx, err) {
		return p.Pool.Query(ctx, sql, args...)
	}
	if err != nil {
		return rows, err
	}
	return &rowsAgain{Rows: rows, again: func(err error) (pgx.Rows, error) {
		if !p.broken(ctx, err) {
			return nil, err
		}
		return p.Pool.Query(ctx, sql, args...)
	}}, nil
}

// QueryRow is that of the pool.
func (p readers) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := p.Query(ctx, sql, args...)
	return oneRow{rows, err}
}

// snapshot runs do in a transaction that sees one state and changes nothing.
func (p readers) snapshot(ctx context.Context, do func(tx pgx.Tx) error) error {
	begun := false
	run := func() error {
		return pgx.BeginTxFunc(ctx, p.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			begun = true
			return do(tx)
		})
	}
	err := run()
	if !begun && p.broken(ctx, err) {
		err = run()
	}
	return err
}

// broken reports whether a question failed for its connection only. Then those that wait in the pool are closed: they are no better.
func (p readers) broken(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil || !lost(err) {
		return false
	}
	p.Reset()
	return true
}

// lost reports whether an error is that of a connection that was there and is no more.
func lost(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code == "57P01" || pe.Code == "57P02" // the server ends, or has crashed
	}
	var ce *pgconn.ConnectError
	if errors.As(err, &ce) {
		return false // there never was one
	}
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "conn closed")
}

// rowsAgain are rows of which the first may be asked for twice.
type rowsAgain struct {
	pgx.Rows
	again func(err error) (pgx.Rows, error) // nil once something came
	err   error
}

func (r *rowsAgain) Next() bool {
	next := r.Rows.Next()
	again := r.again
	r.again = nil
	if next || again == nil || r.Rows.Err() == nil {
		return next
	}
	rows, err := again(r.Rows.Err())
	if err != nil {
		r.err = err
		return false
	}
	r.Rows = rows
	return r.Rows.Next()
}

func (r *rowsAgain) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.Rows.Err()
}

// oneRow is the first of some rows.
type oneRow struct {
	rows pgx.Rows
	err  error
}

// Scan implements [pgx.Row].
func (r oneRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}
