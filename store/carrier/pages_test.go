package carrier_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/services/carrier"
)

// visit is one request to the pages, by a phone that is known by what it has.
func (w *world) visit(method, path, phone string, form url.Values) *httptest.ResponseRecorder {
	w.t.Helper()
	h, err := carrier.NewHandler(carrier.Options{Carrier: w.Carrier, Sandbox: true, Now: func() time.Time { return w.now }})
	w.must(err)
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if phone != "" {
		r.AddCookie(&http.Cookie{Name: "esim", Value: phone})
	}
	res := httptest.NewRecorder()
	h.Routes().ServeHTTP(res, r)
	return res
}

func TestWhatNeedsNoLoginAndWhatDoes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.must(w.installs("s1", l.ID, "PHONE"))
		w.reads("s1", "h@mail.example")
		w.must(w.asks("s1", l.ID, carrier.Reissue))
		l = w.line("s1", l.ID)
		_, link := w.mails("h@mail.example")
		change := url.Values{"change": {l.Change.ID}}

		if page := w.visit("GET", "/line", "PHONE", nil).Body.String(); !strings.Contains(page, l.Number) || !strings.Contains(page, l.Change.ID) || strings.Contains(page, hanako.Name) {
			t.Errorf("the phone with the SIM: %s", page)
		}
		for _, stranger := range []string{"", "OTHER"} {
			if page := w.visit("GET", "/line", stranger, nil).Body.String(); strings.Contains(page, l.Number) {
				t.Errorf("a stranger %q sees the line", stranger)
			}
			if res := w.visit("POST", "/line/veto", stranger, change); res.Header().Get("Location") != "/trouble" {
				t.Errorf("a stranger %q: %v", stranger, res.Header())
			}
		}
		for _, path := range []string{"/home", "/apply", "/check", "/received", "/contact", "/lines/" + l.ID, "/lines/" + l.ID + "/install", "/lines/" + l.ID + "/change/port", "/lines/" + l.ID + "/freeze", "/lines/" + l.ID + "/change/end"} {
			if res := w.visit("GET", path, "PHONE", nil); res.Code != http.StatusSeeOther || res.Header().Get("Location") != "/" {
				t.Errorf("%s without a login: %d", path, res.Code)
			}
		}
		for _, path := range []string{"/check", "/contact", "/lines/" + l.ID + "/install", "/lines/" + l.ID + "/withdraw", "/lines/" + l.ID + "/withdraw-contract", "/lines/" + l.ID + "/freeze", "/lines/" + l.ID + "/change/end"} {
			if res := w.visit("POST", path, "PHONE", change); res.Code != http.StatusSeeOther || res.Header().Get("Location") != "/" {
				t.Errorf("%s without a login: %d", path, res.Code)
			}
		}
		for path, status := range map[string]int{"/stop/" + link: 200, "/stop/AAAA": 404, "/mail/AAAA": 404, "/nowhere": 404} {
			if res := w.visit("GET", path, "", nil); res.Code != status || strings.Contains(res.Body.String(), hanako.Name) {
				t.Errorf("%s: %d", path, res.Code)
			}
		}
		if !w.line("s1", l.ID).Waits() {
			t.Fatal("what only looked has stopped it")
		}
		if res := w.visit("POST", "/line/veto", "PHONE", change); res.Header().Get("Location") != "/line" || w.line("s1", l.ID).Waits() {
			t.Errorf("the phone with the SIM: %v", res.Header())
		}
	})
}

func TestTheOutboxIsReadInOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.reads("s1", "h@mail.example")
		w.must(w.Freeze(t.Context(), "s1", l.ID))
		h, err := carrier.NewHandler(carrier.Options{Carrier: w.Carrier, Now: func() time.Time { return w.now }})
		w.must(err)
		var kinds []string
		for after := ""; ; {
			res := httptest.NewRecorder()
			h.Outbox().ServeHTTP(res, httptest.NewRequest("GET", "/v1/outbox?after="+after, nil))
			var page struct {
				Notices []carrier.Mail `json:"notices"`
			}
			w.must(json.Unmarshal(res.Body.Bytes(), &page))
			if len(page.Notices) == 0 {
				break
			}
			for _, m := range page.Notices {
				kinds, after = append(kinds, m.Kind), m.ID
				if m.To.Channel != "mail" || m.To.Address != "h@mail.example" || m.JA.Body == "" || m.EN.Title == "" || m.At.IsZero() {
					t.Errorf("%+v", m)
				}
			}
		}
		if got := strings.Join(kinds, " "); got != "carrier-confirm carrier-frozen" {
			t.Error(got)
		}
	})
}
