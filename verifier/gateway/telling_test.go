package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// tell takes what the verifier has a person told, each message once, as the authority does:
// by its id.
func (i *issuer) tell(rw http.ResponseWriter, r *http.Request) {
	var in struct{ ID, Person, Code string }
	if err := httpd.ReadJSON(rw, r, &in); err != nil {
		httpd.WriteProblem(rw, r, err)
		return
	}
	i.asked = append(i.asked, in.ID)
	if in.ID == "" {
		i.w.t.Error("a message without an id")
	}
	if i.never != nil {
		httpd.WriteProblem(rw, r, i.never)
		return
	}
	if !i.toldIDs[in.ID] {
		i.toldIDs[in.ID] = true
		i.told = append(i.told, in.Person+" "+in.Code)
	}
	if i.lost {
		i.lost = false
		panic(http.ErrAbortHandler)
	}
	httpd.WriteJSON(rw, http.StatusOK, in)
}

func (i *issuer) hasTold() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return strings.Join(i.told, ",")
}

func (i *issuer) fail(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// Each change of the holder's rules is told once, whatever the issuer does meanwhile, and
// holds whether or not it could be told.
func TestChangesOfRulesAreTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		run := func() {
			t.Helper()
			if err := w.gateway.TellDue(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		grant := w.desk("good")
		w.mustRaise(grant, ceremony.Rules{Version: 1, Locked: []ceremony.Category{ceremony.Tax, ceremony.Kiosk}})
		w.issuer.fail(true)
		run()
		run() // put off: not tried again at once
		w.issuer.fail(false)
		run()
		if got := w.issuer.hasTold(); got != "" {
			t.Errorf("before its time: %s", got)
		}
		w.advance(5 * time.Second)
		run()
		run()
		if got := w.issuer.hasTold(); got != "person-good limits-raised" {
			t.Fatalf("told %s", got)
		}
		if held, err := w.rulesOf(grant); err != nil || len(held.Rules.Locked) != 2 {
			t.Errorf("%+v, %v", held, err)
		}
		w.mustRaise(grant, ceremony.Rules{Version: 2, Locked: []ceremony.Category{ceremony.Tax, ceremony.Kiosk}}) // nothing new
		run()
		if got := w.issuer.hasTold(); got != "person-good limits-raised" {
			t.Errorf("told of no change: %s", got)
		}
	})
}

// telling is a verifier that has something to tell, and what tells all of it, minutes on.
func telling(t *testing.T, w *world) (grant string, run func()) {
	t.Helper()
	grant = w.desk("good")
	w.mustRaise(grant, ceremony.Rules{Version: 1, Locked: []ceremony.Category{ceremony.Kiosk}})
	return grant, func() {
		t.Helper()
		for range 3 {
			if err := w.gateway.TellDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.advance(time.Minute)
		}
		w.refresh()
	}
}

// An answer that is lost makes the verifier say the same again, by the same id: the person
// is told once.
func TestALostAnswerTellsNobodyTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, run := telling(t, w)
		w.issuer.lost = true
		run()
		if got := w.issuer.hasTold(); got != "person-good limits-raised" {
			t.Errorf("told %s", got)
		}
		if asked := w.issuer.asked; len(asked) != 2 || asked[0] != asked[1] {
			t.Errorf("asked as %q", asked)
		}
	})
}

// What the authority never tells is over, and the log of the verifier says why; what it
// does not tell just now is not.
func TestAMessageThatIsRefusedForGoodIsOver(t *testing.T) {
	for code, over := range map[string]bool{"unknown-person": true, "bad-request": true, "caller-unknown": false} {
		t.Run(code, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				_, run := telling(t, w)
				w.issuer.never = problem.NewRefused(403, code, "x", "x", "x", "x")
				run()
				if (len(w.issuer.asked) == 1) != over {
					t.Errorf("asked %d times", len(w.issuer.asked))
				}
				w.issuer.never = nil
				run()
				if got := w.issuer.hasTold(); (got == "") != over {
					t.Errorf("told %q", got)
				}
			})
		})
	}
}

// What the card loosens is told, as what it is, and only when it loosens anything.
func TestWhatTheCardLoosensIsToldOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		grant, run := telling(t, w)
		run()
		wider := ceremony.Rules{Version: 2, Daily: []ceremony.DailyLimit{{Uses: 9}}}
		if _, err := w.loosen(w.propose(grant, wider), w.word("good", wider)); err != nil {
			t.Fatal(err)
		}
		run()
		if got := w.issuer.hasTold(); got != "person-good limits-raised,person-good limits-loosened" {
			t.Errorf("told %s", got)
		}
		for range 2 {
			if _, err := w.loosen("", w.word("good", ceremony.Rules{})); err != nil {
				t.Fatal(err)
			}
			run()
		}
		if got := w.issuer.hasTold(); got != "person-good limits-raised,person-good limits-loosened,person-good limits-ended" {
			t.Errorf("told %s", got)
		}
	})
}
