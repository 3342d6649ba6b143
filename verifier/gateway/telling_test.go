package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// tell takes what the verifier has a person told, each message once.
func (i *issuer) tell(rw http.ResponseWriter, r *http.Request) {
	var in struct{ ID, Person, Code string }
	if err := httpd.ReadJSON(rw, r, &in); err != nil {
		httpd.WriteProblem(rw, r, err)
		return
	}
	if in.ID == "" || i.toldIDs[in.ID] {
		i.w.t.Errorf("message %q was sent before", in.ID)
	}
	i.toldIDs[in.ID] = true
	i.told = append(i.told, in.Person+" "+in.Code)
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
