package incident

import (
	"context"
	"fmt"
	"time"
)

// AuditAction is something that the audit log writes down.
type AuditAction string

// The actions. A store writes them in the transaction of what they tell, so that neither is there without the other.
const (
	AuditImportBegun    AuditAction = "import begun"
	AuditImportFinished AuditAction = "import finished"
	AuditImportFailed   AuditAction = "import failed"
	AuditImportUndone   AuditAction = "import undone"
	AuditDatasetChanged AuditAction = "dataset changed"
	AuditDatasetRemoved AuditAction = "dataset removed"
	AuditTokenCreated   AuditAction = "token created"
	AuditTokenRevoked   AuditAction = "token revoked"
)

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	// ID grows in the order in which the entries were written.
	ID int64
	// When is a moment in UTC.
	When time.Time
	// Who is the token that did it as [Token.Who] names it, [CommandLine], or "" if the program did it by itself. It
	// names no person and no address.
	Who string
	// Action is what was done, Object to what: "import 12 of ged", "dataset ged", "token 1a2b3c4d nightly".
	Action AuditAction
	Object string
	// Result says what came of it, "" where there is nothing to add.
	Result string
}

// Auditor gives out the audit log. A store only ever adds to it: its tables refuse to change or delete an entry.
type Auditor interface {
	// AuditLog lists the entries from a moment on, oldest first; a zero moment gives all.
	AuditLog(ctx context.Context, since time.Time) ([]AuditEntry, error)
}

// CommandLine is who changes a store without a token: whoever can write to it runs the program.
const CommandLine = "command line"

// ServerToken is who shows the token that the server was started with.
const ServerToken = "write token of the server"

type actorKey struct{}

// WithActor says on whose behalf a store is changed; see [AuditEntry.Who].
func WithActor(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, actorKey{}, who)
}

// ActorOf tells on whose behalf a store is changed, "" if nobody said.
func ActorOf(ctx context.Context) string {
	who, _ := ctx.Value(actorKey{}).(string)
	return who
}

// AuditOf makes an entry for an action of the actor of a context; a store gives it its ID and moment.
func AuditOf(ctx context.Context, action AuditAction, object, result string) AuditEntry {
	return AuditEntry{Who: ActorOf(ctx), Action: action, Object: object, Result: result}
}

// AuditImport makes the entry for an import. Without an actor it is who the import says.
func AuditImport(ctx context.Context, action AuditAction, id int64, imp *Import, result string) AuditEntry {
	e := AuditOf(ctx, action, fmt.Sprintf("import %d of %s", id, imp.Dataset.Name), result)
	if e.Who == "" {
		e.Who = imp.Who
	}
	return e
}

// AuditCounts is the result of an import that was finished.
func AuditCounts(r PutResult, gone int) string {
	return fmt.Sprintf("%d new, %d changed, %d unchanged, %d gone", r.New, r.Changed, r.Unchanged, gone)
}

// AuditUndo is the result of an import that was undone.
func AuditUndo(r UndoResult) string {
	return fmt.Sprintf("%d restored, %d removed, %d kept", r.Restored, r.Removed, r.Kept)
}

// AuditChange says which fields of a dataset a change sets.
func AuditChange(c DatasetChange) string {
	s := ""
	add := func(set bool, name string) {
		if set {
			if s != "" {
				s += ", "
			}
			s += name
		}
	}
	add(c.Title != nil, "title")
	add(c.Licence != nil, "licence")
	add(c.Attribution != nil, "attribution")
	add(c.Terms != nil, "terms")
	add(c.Version != nil, "version")
	add(c.Accessed != nil, "accessed")
	if c.AggregatesOnly != nil {
		add(true, fmt.Sprintf("aggregates only: %t", *c.AggregatesOnly))
	}
	if c.Delay != nil {
		add(true, "delay: "+FormatDelay(*c.Delay))
	}
	if c.Blur != nil {
		word := string(*c.Blur)
		if word == "" {
			word = "none"
		}
		add(true, "blur: "+word)
	}
	return s
}
