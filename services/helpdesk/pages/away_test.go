package pages

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tegata/services/desk"
)

// hasty is an office that does nothing for a browser that has gone away.
type hasty struct{ office }

func (h *hasty) Signed(ctx context.Context, token string) (desk.Staff, error) {
	if err := ctx.Err(); err != nil {
		return desk.Staff{}, err
	}
	return h.office.Signed(ctx, token)
}

// What stops a phone goes on from the form on, though its browser is gone by then.
func TestAFormThatStopsAPhoneOutlivesItsBrowser(t *testing.T) {
	form := url.Values{"name": {"手形 花子"}, "address": {"手形市1-2-3"}, "birth_date": {"1980-02-17"}, "sex": {"female"}}
	for _, path := range []string{"/call", "/support/x/suspend"} {
		o := &hasty{office{signed: true}}
		h, err := New(Options{Helpdesk: o, Desk: o, Now: moment})
		if err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(gone, "POST", path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "desk", Value: "token"})
		h.Routes().ServeHTTP(httptest.NewRecorder(), r)
		if o.agent != "A-01" {
			t.Errorf("%s: nothing was stopped", path)
		}
	}
}
