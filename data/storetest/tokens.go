package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sarhad/incident"
)

// testPublication holds a store to keeping the rules of a dataset, and to telling who keeps a copy that all its incidents look different now.
func testPublication(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	ctx := t.Context()
	rules := func() incident.Publication { return must(s.Datasets(ctx))(t)[0].Publication }
	im := imp("fixed")
	im.Dataset.Publication = incident.Publication{Delay: 72 * time.Hour, Blur: "grid:0.1"}
	Load(t, s, im, 10, fixed())
	if got := rules(); got != im.Dataset.Publication {
		t.Errorf("a new dataset has %+v, want what the load says", got)
	}
	other := im
	other.Dataset.Publication = incident.Publication{}
	Load(t, s, other, 10, fixed())
	if got := rules(); got != im.Dataset.Publication {
		t.Errorf("a later load changed the rules to %+v", got)
	}
	before := must(s.Change(ctx))(t)
	delay, blur := 48*time.Hour, incident.BlurDistrict
	if err := s.SetDataset(ctx, "fixed", incident.DatasetChange{Delay: &delay, Blur: &blur}); err != nil {
		t.Fatal(err)
	}
	if got := rules(); got != (incident.Publication{Delay: delay, Blur: blur}) {
		t.Errorf("after a change: %+v", got)
	}
	if after := must(s.Change(ctx))(t); after <= before {
		t.Errorf("the change number went from %d to %d", before, after)
	}
	if j, ok := s.(incident.Journal); ok {
		ranges, known, err := j.Touched(ctx, before)
		if err != nil || !known {
			t.Fatalf("Touched: %v, %v", known, err)
		}
		for _, in := range List(t, s, incident.Query{}) {
			if !slices.ContainsFunc(ranges, func(r incident.FIDRange) bool { return r.From <= in.FID && in.FID <= r.To }) {
				t.Errorf("the journal does not have incident %d, which everybody sees elsewhere now", in.FID)
			}
		}
	}
}

func testTokens(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	k, ok := s.(incident.TokenKeeper)
	if !ok {
		t.Skip("the store keeps no tokens")
	}
	ctx := t.Context()
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	text, first := incident.NewToken("nightly", incident.ScopeWrite, now, now.Add(time.Hour))
	_, second := incident.NewToken("", incident.ScopeRead, now, time.Time{})
	change := must(s.Change(ctx))(t)
	for _, token := range []incident.Token{first, second} {
		if err := k.AddToken(ctx, token); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.AddToken(ctx, first); incident.CodeOf(err) != incident.CodeConflict {
		t.Errorf("the same token again: %v", err)
	}
	if d := cmp.Diff([]incident.Token{first, second}, must(k.Tokens(ctx))(t)); d != "" {
		t.Errorf("tokens (-want +got):\n%s", d)
	}
	got := must(k.Token(ctx, first.ID))(t)
	if d := cmp.Diff(first, got); d != "" || !got.Matches(text) || got.Matches(text+"x") {
		t.Errorf("a token (-want +got):\n%s", d)
	}
	if !got.Valid(now) || got.Valid(now.Add(time.Hour)) {
		t.Error("it is valid for an hour and no longer")
	}
	if _, err := k.Token(ctx, "00000000"); incident.CodeOf(err) != incident.CodeNotFound {
		t.Errorf("an unknown one: %v", err)
	}
	if err := k.RevokeToken(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	if got := must(k.Token(ctx, first.ID))(t); got.Revoked.IsZero() || got.Valid(now) {
		t.Errorf("a revoked token: %+v", got)
	}
	if err := k.RevokeToken(ctx, first.ID); incident.CodeOf(err) != incident.CodeConflict {
		t.Errorf("revoked twice: %v", err)
	}
	if err := k.RevokeToken(ctx, "00000000"); incident.CodeOf(err) != incident.CodeNotFound {
		t.Errorf("an unknown one revoked: %v", err)
	}
	if after := must(s.Change(ctx))(t); after != change {
		t.Errorf("tokens changed the change number from %d to %d", change, after)
	}
	// While a load runs, and not in one transaction, tokens can be made and revoked.
	l, _, _ := put(t, s, imp("plain"), Plain(3, 1))
	if err := k.RevokeToken(ctx, second.ID); err != nil {
		t.Errorf("revoke while a load runs: %v", err)
	}
	finish(t, l, "{}")
}

func testAudit(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	a, ok := s.(incident.Auditor)
	if !ok {
		t.Skip("the store keeps no audit log")
	}
	ctx := incident.WithActor(t.Context(), "token 1a2b3c4d nightly")
	im := imp("plain")
	im.Who = "somebody"
	l := must(s.Begin(ctx, im))(t)
	must(l.Put(ctx, Plain(3, 1)))(t)
	if err := l.Finish(ctx, "{}"); err != nil {
		t.Fatal(err)
	}
	l, _, _ = put(t, s, im, Plain(4, 1)) // without an actor
	if err := l.Abort(); err != nil {
		t.Fatal(err)
	}
	im.Atomic = true
	l, _, _ = put(t, s, im, Plain(5, 1))
	if err := l.Abort(); err != nil {
		t.Fatal(err)
	}
	title, only := "T", true
	if err := s.SetDataset(ctx, "plain", incident.DatasetChange{Title: &title, AggregatesOnly: &only}); err != nil {
		t.Fatal(err)
	}
	must(s.Undo(ctx, 1))(t)
	must(s.RemoveDataset(ctx, "plain"))(t)
	k, _ := s.(incident.TokenKeeper)
	text, token := incident.NewToken("reader", incident.ScopeRead, time.Now(), time.Time{})
	if err := k.AddToken(ctx, token); err != nil {
		t.Fatal(err)
	}
	if err := k.RevokeToken(ctx, token.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Undo(ctx, 1); err == nil {
		t.Fatal("undone twice")
	}
	list := must(a.AuditLog(ctx, time.Time{}))(t)
	var got []string
	last := int64(0)
	for i, e := range list {
		if e.ID <= last || e.When.IsZero() || e.When.Location() != time.UTC {
			t.Errorf("entry %d: %+v", i, e)
		}
		last = e.ID
		if strings.Contains(e.Object+e.Result+e.Who, text) {
			t.Error("the log has the token itself")
		}
		got = append(got, e.Who+"|"+string(e.Action)+"|"+e.Object+"|"+e.Result)
	}
	const by = "token 1a2b3c4d nightly|"
	want := []string{
		by + "import begun|import 1 of plain|", by + "import finished|import 1 of plain|3 new, 0 changed, 0 unchanged, 0 gone",
		"somebody|import begun|import 2 of plain|", "|import failed|import 2 of plain|cut off; the batches that were put stay",
		by + "dataset changed|dataset plain|title, aggregates only: true",
		by + "import undone|import 1 of plain|0 restored, 3 removed, 0 kept", by + "dataset removed|dataset plain|1 incidents",
		by + "token created|token " + token.ID + " reader|scope read", by + "token revoked|token " + token.ID + " reader|",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the audit log (-want +got):\n%s", d)
	}
	if later := must(a.AuditLog(ctx, time.Now().Add(time.Hour)))(t); len(later) != 0 {
		t.Errorf("entries from the future: %v", later)
	}
}
