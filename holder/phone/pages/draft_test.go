package pages

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"tegata/internal/secret"
	"tegata/internal/ui"
)

// typed is a draft into which somebody typed.
func typed(t *testing.T, ds *drafts, id string, at time.Time) *draft {
	t.Helper()
	card, err := secret.ParsePassword("ABC123")
	if err != nil {
		t.Fatal(err)
	}
	pin, err := secret.ParsePIN("2580")
	if err != nil {
		t.Fatal(err)
	}
	d := ds.of(id, at)
	d.change(func(d *draft) { d.card, d.pin, d.terms = card, pin, "1" })
	return d
}

func TestWhatWasTypedIsDroppedAfterAWhile(t *testing.T) {
	empty := func(d *draft) bool { e := d.entered(); return e.card.IsZero() && e.pin.IsZero() && e.terms == "" }
	t.Run("at a visit", func(t *testing.T) {
		ds := newDrafts()
		d := typed(t, ds, "a", moment())
		if ds.of("a", moment().Add(draftLife)); empty(d) {
			t.Error("dropped too early")
		}
		if ds.of("a", moment().Add(2*draftLife+time.Second)); !empty(d) {
			t.Error("not dropped")
		}
	})
	t.Run("at a visit to another phone", func(t *testing.T) {
		ds := newDrafts()
		d := typed(t, ds, "a", moment())
		if e := ds.of("b", moment()).entered(); !e.card.IsZero() || !e.pin.IsZero() {
			t.Error("one phone's secrets in another phone's draft")
		}
		if ds.of("b", moment().Add(draftLife+time.Second)); !empty(d) {
			t.Error("not dropped")
		}
	})
	t.Run("without a visit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ds := newDrafts()
			d := typed(t, ds, "a", moment())
			time.Sleep(draftLife + time.Second)
			synctest.Wait()
			if !empty(d) {
				t.Error("a closed page's secrets are kept")
			}
		})
	})
}

// A screen that waits asks by script all the time; it may ask between the answer
// of a step and the page that the answer leads to. A reload says the same again,
// until the person has gone on.
func TestTroubleIsKeptForThePageThatAPersonSees(t *testing.T) {
	d := newDraft()
	d.left = left{path: "/enrol/tap", trouble: &ui.Trouble{}}
	for i, ask := range []struct {
		path       string
		poll, told bool
	}{
		{"/enrol/tap", true, true}, {"/other", true, false}, {"/enrol/tap", false, true}, {"/enrol/tap", false, true},
		{"/other", false, false}, {"/enrol/tap", false, false},
	} {
		r := httptest.NewRequest("GET", "/p/a"+ask.path, nil)
		if ask.poll {
			r.Header.Set("Tegata-Poll", "1")
		}
		v := &visit{r: r, base: "/p/a", draft: d}
		if got := v.said().trouble != nil; got != ask.told {
			t.Errorf("request %d: told %v, want %v", i+1, got, ask.told)
		}
		v.saw()
	}
}
