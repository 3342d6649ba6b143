package clock_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tegata/internal/clock"
	"tegata/internal/durable"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// list is work that is due at the moments it holds.
type list struct {
	name string
	due  []time.Time
	did  *[]string
	c    *clock.Clock
	then func(*list) // what doing it brings about
	err  error
}

func (l *list) NextDue(context.Context) (time.Time, bool, error) {
	if len(l.due) == 0 {
		return time.Time{}, false, nil
	}
	return slices.MinFunc(l.due, time.Time.Compare), true, nil
}

func (l *list) RunDue(_ context.Context, at time.Time) error {
	if l.err != nil {
		return l.err
	}
	*l.did = append(*l.did, l.name+" at "+at.Sub(start).String())
	l.due = slices.DeleteFunc(l.due, func(d time.Time) bool { return !d.After(at) })
	if l.then != nil {
		l.then(l)
		l.then = nil
	}
	return nil
}

func TestAWalkStopsAtEachDueMomentInOrder(t *testing.T) {
	c := clock.Fixed(start)
	var did []string
	a := &list{name: "a", c: c, did: &did, due: []time.Time{start.Add(72 * time.Hour), start.Add(time.Hour)}}
	b := &list{name: "b", c: c, did: &did, due: []time.Time{start.Add(48 * time.Hour), start.Add(100 * time.Hour)}}
	a.then = func(*list) { b.due = append(b.due, start.Add(2*time.Hour)) } // one's work makes another's
	if err := c.AdvanceThrough(t.Context(), 96*time.Hour, a, b); err != nil {
		t.Fatal(err)
	}
	want := []string{"a at 1h0m0s", "b at 2h0m0s", "b at 48h0m0s", "a at 72h0m0s"}
	if d := cmp.Diff(did, want); d != "" {
		t.Error(d)
	}
	if got := c.Now(); !got.Equal(start.Add(96 * time.Hour)) {
		t.Errorf("the clock stands at %s", got)
	}
}

func TestOverdueWorkIsDoneWithoutMovingTheClock(t *testing.T) {
	c := clock.Fixed(start)
	var did []string
	a := &list{name: "a", did: &did, due: []time.Time{start.Add(-time.Hour)}}
	if err := c.AdvanceThrough(t.Context(), 0, a); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(did, []string{"a at 0s"}); d != "" {
		t.Error(d)
	}
	if c.Offset() != 0 {
		t.Errorf("the clock moved by %s", c.Offset())
	}
}

func TestManyWorkersDueAtOnceAreNotTakenForOneThatStandsStill(t *testing.T) {
	c := clock.Fixed(start)
	var did []string
	var work []clock.Work
	for range 6 {
		work = append(work, &list{name: "w", did: &did, due: []time.Time{start.Add(time.Hour)}})
	}
	if err := c.AdvanceThrough(t.Context(), 2*time.Hour, work...); err != nil {
		t.Fatal(err)
	}
	if len(did) != 6 {
		t.Errorf("%d of 6 did their work", len(did))
	}
}

func TestAWalkEndsAtWorkThatFailsAndGoesOnThere(t *testing.T) {
	c := clock.Fixed(start)
	var did []string
	broken := errors.New("disk full")
	a := &list{name: "a", did: &did, due: []time.Time{start.Add(time.Hour)}, err: broken}
	if err := c.AdvanceThrough(t.Context(), 24*time.Hour, a); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if c.Offset() != time.Hour {
		t.Errorf("the clock stands %s on, want where the work failed", c.Offset())
	}
	a.err = nil
	if err := c.AdvanceThrough(t.Context(), 0, a); err != nil || len(did) != 1 {
		t.Errorf("the work was not done the next time: %v %v", did, err)
	}
}

// stuck is due for ever.
type stuck struct{}

func (stuck) NextDue(context.Context) (time.Time, bool, error) { return start, true, nil }
func (stuck) RunDue(context.Context, time.Time) error          { return nil }

func TestWorkThatStandsStillIsAnErrorAndNotALoop(t *testing.T) {
	if err := clock.Fixed(start).AdvanceThrough(t.Context(), time.Hour, stuck{}); err == nil {
		t.Error("nothing was noticed")
	}
}

func TestTheOffsetIsKeptAndGoesForwardOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock.json")
	c, err := clock.Open(path, durable.Files{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Offset() != 0 {
		t.Errorf("a new clock is %s off", c.Offset())
	}
	if err := c.AdvanceThrough(t.Context(), 31*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	again, err := clock.Open(path, durable.Files{})
	if err != nil {
		t.Fatal(err)
	}
	if again.Offset() != 31*24*time.Hour {
		t.Errorf("after opening again it is %s off", again.Offset())
	}
	if err := again.Advance(again.Now().Add(-time.Minute)); !errors.Is(err, clock.ErrBackwards) {
		t.Errorf("going back: %v", err)
	}
	if err := again.AdvanceThrough(t.Context(), -time.Minute); !errors.Is(err, clock.ErrBackwards) {
		t.Errorf("walking back: %v", err)
	}
}

func TestInitWalksFromThePastExactlyToNow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock.json")
	c, err := clock.Create(path, durable.Files{}, time.Now().AddDate(-5, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clock.Create(path, durable.Files{}, time.Now()); err == nil {
		t.Error("a second clock was made over the first")
	}
	var did []string
	a := &list{name: "a", did: &did, due: []time.Time{time.Now().AddDate(-4, 0, 0), time.Now().AddDate(1, 0, 0)}}
	if err := c.AdvanceThrough(t.Context(), -c.Offset(), a); err != nil {
		t.Fatal(err)
	}
	if c.Offset() != 0 || len(did) != 1 {
		t.Errorf("offset %s after %v", c.Offset(), did)
	}
}
