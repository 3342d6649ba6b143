package phone_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/holder/phone"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// atDoor is what a script does: it posts body to a phone's door, with the operator's token.
func (w *town) atDoor(p *phone.Phone, act string, body any) *httptest.ResponseRecorder {
	w.t.Helper()
	text, err := json.Marshal(body)
	w.must(err)
	token := httpd.NewOperatorToken()
	bearer := token.Bearer()
	r := httptest.NewRequest("POST", "/v1/phones/"+p.ID()+"/"+act, bytes.NewReader(text))
	r.Header.Set(bearer.Name, bearer.Value)
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	(&phone.Door{Phones: w.phones, Token: token}).Routes().ServeHTTP(rec, r)
	return rec
}

func TestAReturnAddressThatIsNotRegistered(t *testing.T) {
	w, p, c := registered(t)
	c.redirect = "http://evil.localhost:1/return?response_code=once"
	a, err := p.Fetch(t.Context(), c.ask(nil))
	w.must(err)
	if out, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, phonePIN)}); code(err) != "return-address" || out.Redirect != "" {
		t.Errorf("got %+v, %v", out, err)
	}
}

// A verifier that refuses says where the browser goes, too: a script at the phone's door is
// told of a registered address alone, whatever the refusal brought along.
func TestARefusalLeadsOnlyToARegisteredAddress(t *testing.T) {
	w, p, c := registered(t)
	const home, evil = "http://portal.localhost:1/return", "http://evil.localhost:1/return"
	for name, k := range map[string]struct {
		kind           problem.Kind
		redirect, want string
	}{
		"registered":               {problem.Refused, home + "?response_code=once", home + "?response_code=once"},
		"elsewhere":                {problem.Refused, evil + "?response_code=once", ""},
		"below what is registered": {problem.Refused, home + "/more?response_code=once", ""},
		"with a password":          {problem.Refused, "http://portal.localhost:1@evil.localhost:1/return", ""},
		"a script":                 {problem.Refused, "javascript:alert(1)", ""},
		"not judged":               {problem.CouldNotCheck, evil + "?response_code=once", ""},
	} {
		c.set(func(rw http.ResponseWriter, r *http.Request) bool {
			said := problem.New(k.kind, 403, "judged", problem.Text{Title: "x"}, problem.Text{Title: "x"}).With("redirect", k.redirect)
			if k.kind == problem.Refused {
				said = said.With("verdict", ceremony.Failed)
			}
			httpd.WriteProblem(rw, r, said)
			return true
		})
		rec := w.atDoor(p, "approve", map[string]string{"request": c.ask(nil), "phone_auth_pin": phonePIN})
		var told struct{ Code, Redirect string }
		if err := json.Unmarshal(rec.Body.Bytes(), &told); err != nil || told.Code != "judged" || told.Redirect != k.want || strings.Contains(rec.Body.String(), "evil") {
			t.Errorf("%s: %s, %v", name, rec.Body, err)
		}
		c.set(nil)
	}
}
