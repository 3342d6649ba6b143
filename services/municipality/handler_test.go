package municipality_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/internal/httpd"
	"tegata/services/municipality"
	"tegata/store"
	"tegata/store/storetest"
)

const desk = "municipality.localhost:8405"

func TestTheDoorOfTheRegister(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		w := newWorld(t)
		h := &municipality.Handler{
			Register: w.open(db), Admit: municipality.Operator(operator), Ready: db.Ping,
			Guard: httpd.GuardOptions{Names: []string{desk}},
		}
		door := h.Routes()
		call := func(bearer, method, path, body string) (int, map[string]any) {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Host = desk
			r.Header.Set("Content-Type", "application/json")
			if bearer != "" {
				r.Header.Set("Authorization", "Bearer "+bearer)
			}
			rec := httptest.NewRecorder()
			door.ServeHTTP(rec, r)
			var out map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
				t.Errorf("%s %s: %s", method, path, rec.Body)
			}
			return rec.Code, out
		}
		person, err := json.Marshal(hanako())
		if err != nil {
			t.Fatal(err)
		}
		steps := []struct {
			name, bearer, method, path, body string
			status                           int
			field, value                     string
		}{
			{"without a token nobody enters", "", "POST", "/v1/residents", string(person), 401, "code", "operator-token"},
			{"nor with another token", "guess", "POST", "/v1/residents", string(person), 401, "code", "operator-token"},
			{"nor to look", "", "GET", "/v1/residents/hanako", "", 401, "code", "operator-token"},
			{"nor at the list", "", "GET", "/v1/residents", "", 401, "code", "operator-token"},
			{"nor to order", "", "POST", "/v1/residents/hanako/cards", `{"id":"card-1"}`, 401, "code", "operator-token"},
			{"nor to report", "", "POST", "/v1/residents/hanako/events", `{"id":"e1","kind":"died"}`, 401, "code", "operator-token"},
			{"a resident is registered", token, "POST", "/v1/residents", string(person), 200, "", ""},
			{"the number of a person has no place here", token, "POST", "/v1/residents", `{"id":"x","my_number":"123456789012"}`, 400, "code", "malformed"},
			{"a wrong field is named", token, "POST", "/v1/residents", strings.Replace(string(person), "1980-02-17", "1980-02-31", 1), 400, "field", "birth"},
			{"a card is ordered", token, "POST", "/v1/residents/hanako/cards", `{"id":"card-1"}`, 200, "state", "personalised"},
			{"and again is the same card", token, "POST", "/v1/residents/hanako/cards", `{"id":"card-1"}`, 200, "state", "personalised"},
			{"it is lost", token, "POST", "/v1/residents/hanako/events", `{"id":"e1","kind":"card-lost"}`, 200, "state", "delivered"},
			{"nobody by that name", token, "GET", "/v1/residents/taro", "", 404, "code", "unknown-resident"},
			{"the entry is shown", token, "GET", "/v1/residents/hanako", "", 200, "", ""},
			{"the desk is ready", "", "GET", "/healthz", "", 200, "status", "ready"},
		}
		for _, s := range steps {
			status, out := call(s.bearer, s.method, s.path, s.body)
			if status != s.status || s.field != "" && out[s.field] != s.value {
				t.Errorf("%s: got %d %v", s.name, status, out)
			}
		}

		w.issuer.down = true
		if status, out := call(token, "POST", "/v1/residents/hanako/events", `{"id":"e2","kind":"card-found"}`); status != http.StatusAccepted || out["state"] != "waiting" {
			t.Errorf("an event while the issuer is away: %d %v", status, out)
		}
		if status, out := call(token, "POST", "/v1/residents/hanako/cards", `{"id":"card-2"}`); status != 503 || out["kind"] != "could-not-check" {
			t.Errorf("a card while the issuer is away: %d %v", status, out)
		}
	})
}

func TestTheListIsAPageOnlyWhereThereArePages(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		w := newWorld(t)
		reg := w.open(db)
		must(t, add(reg, t, hanako()))
		pages, err := municipality.OpenPages()
		must(t, err)
		for _, c := range []struct {
			pages  *municipality.Pages
			status int
		}{{pages, 200}, {nil, 404}} {
			h := &municipality.Handler{
				Register: reg, Admit: municipality.Operator(operator), Ready: db.Ping, Pages: c.pages,
				Guard: httpd.GuardOptions{Names: []string{desk}},
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = desk
			rec := httptest.NewRecorder()
			h.Routes().ServeHTTP(rec, r)
			if rec.Code != c.status || strings.Contains(rec.Body.String(), "手形　花子") != (c.status == 200) {
				t.Errorf("got %d: %.200s", rec.Code, rec.Body)
			}
		}
	})
}

func TestWithoutAnOperatorsTokenTheDoorStaysClosed(t *testing.T) {
	admit := municipality.Operator(httpd.OperatorToken{})
	r := httptest.NewRequest("GET", "/v1/residents", nil)
	for _, header := range []string{"", "Bearer ", "Bearer x"} {
		r.Header.Set("Authorization", header)
		if _, err := admit(r); err == nil {
			t.Errorf("%q opens the register of production", header)
		}
	}
}

func TestTheWorkStopsWithItsContext(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		w := newWorld(t)
		r := w.open(db)
		must(t, add(r, t, hanako()))
		w.issuer.down = true
		if err := order(r, t, "hanako", "card-1"); err == nil {
			t.Fatal("issued by nobody")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.RunDue(ctx, w.clock.Now().AddDate(0, 0, 1)); err == nil {
			t.Error("work went on after its end")
		}
	})
}
