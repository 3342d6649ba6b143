package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// eachDoor asks every role of a running neighbourhood as programs do.
func (s *streets) eachDoor(t *testing.T) {
	if err := s.make(); err != nil {
		t.Fatal(err)
	}
	s.one.Lock()
	defer s.one.Unlock()
	data := filepath.Join(t.TempDir(), "data")
	if err := s.copyTo(data); err != nil {
		t.Fatal(err)
	}
	set, err := openSettings(data)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(data, operatorToken))
	if err != nil {
		t.Fatal(err)
	}
	token, err := httpd.ParseOperatorToken(string(text))
	if err != nil {
		t.Fatal(err)
	}
	street, err := startStreet(data)
	if err != nil {
		t.Fatal(err)
	}
	a := asker{set: set, token: token.Bearer()}
	t.Run("every answer has a route in the metrics", a.routesInMetrics)
	t.Run("what has no route is said in problem details", a.problems)
	if err := street.stop(); err != nil {
		t.Error(err)
	}
}

// asker asks with the operator's token.
type asker struct {
	set   settings
	token httpd.Header
}

// answered is an answer with its body.
type answered struct {
	*http.Response
	body string
}

func (a asker) ask(t *testing.T, method, url string) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(a.token.Name, a.token.Value)
	res, err := httpd.Client(10 * time.Second).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{res, string(body)}
}

// problems asks each role that programs call for what it does not have.
func (a asker) problems(t *testing.T) {
	for _, q := range []struct{ role, method, path, code, allow string }{
		{"issuer", "GET", "/v1/nothing", "no-such-path", ""},
		{"issuer", "GET", "/", "no-such-path", ""},
		{"issuer", "DELETE", "/v1/enrolments", "wrong-method", "POST"},
		{"issuer", "POST", "/v1/status/changes", "wrong-method", "GET, HEAD"},
		{"issuer", "GET", "/crl", "no-such-path", ""},
		{"issuer", "GET", "/crl/a/b/c", "no-such-path", ""},
		{"issuer", "DELETE", "/crl/phone-auth.crl", "wrong-method", "GET, HEAD"},
		{"issuer", "GET", "/ocsp", "wrong-method", "POST"},
		{"issuer", "DELETE", "/ocsp/AAAA", "wrong-method", "GET, HEAD, POST"},
		{"issuer", "POST", "/ocsp", "not-ocsp-request", ""},
		{"verifier", "GET", "/api/sign-transactions", "wrong-method", "POST"},
		{"verifier", "GET", "/v1/requests/AAAAAAAAAAAAAAAAAAAAAA/answer", "wrong-method", "POST"},
		{"verifier", "GET", "/v1/nothing", "no-such-path", ""},
		{"verifier", "DELETE", "/v1/requests", "wrong-method", "POST"},
		{"verifier", "GET", "/.well-known/security.txt", "no-such-path", ""},
		{"phone", "GET", "/v1/nothing", "no-such-path", ""},
		{"phone", "DELETE", "/v1/phones", "wrong-method", "GET, HEAD, POST"},
		{"municipality", "GET", "/v1/nothing", "no-such-path", ""},
		{"municipality", "DELETE", "/v1/residents", "wrong-method", "GET, HEAD, POST"},
		{"cards", "GET", "/v1/nothing", "no-such-path", ""},
		{"cards", "DELETE", "/v1/cards", "wrong-method", "GET, HEAD, POST"},
	} {
		res := a.ask(t, q.method, a.set.machine(q.role)+q.path)
		var p problem.Problem
		if err := json.Unmarshal([]byte(res.body), &p); err != nil {
			t.Errorf("%s: %s %s: %s: %q", q.role, q.method, q.path, res.Status, res.body)
			continue
		}
		if p.Code != q.code || p.Status != res.StatusCode || p.RequestID == "" || res.Header.Get("Content-Type") != problem.ContentType || res.Header.Get("Allow") != q.allow {
			t.Errorf("%s: %s %s: %s %s, Allow: %q; want %s, Allow: %q", q.role, q.method, q.path, res.Status, res.body, res.Header.Get("Allow"), q.code, q.allow)
		}
	}
}

func (a asker) routesInMetrics(t *testing.T) {
	asked := map[string][]struct{ path, route string }{
		"street":       {{"/services.json", "GET /services.json"}, {"/", "GET /{$}"}},
		"issuer":       {{"/v1/terms", "GET /v1/terms"}, {"/ocsp/AAAA", "/ocsp/{base64}"}, {"/crl/phone-auth.crl", "GET /crl/{file}"}},
		"verifier":     {{"/v1/parties/portal", "GET /v1/parties/{id}"}, {"/v1/status", "GET /v1/status"}},
		"phone":        {{"/v1/phones", "GET /v1/phones"}, {"/", "GET /{$}"}},
		"portal":       {{"/", "GET /{$}"}, {"/home", "GET /home"}},
		"municipality": {{"/v1/residents", "GET /v1/residents"}, {"/", "GET /{$}"}},
		"bank":         {{"/", "GET /{$}"}, {"/home", "GET /home"}, {"/applications/x", "GET /applications/{id}"}},
		"pay":          {{"/", "GET /{$}"}, {"/home", "GET /home"}, {"/charges/x", "GET /charges/{id}"}},
		"carrier":      {{"/", "GET /{$}"}, {"/home", "GET /home"}, {"/stop/x", "GET /stop/{link}"}},
		"helpdesk":     {{"/", "GET /{$}"}, {"/home", "GET /home"}, {"/support/x", "GET /support/{view}"}},
		"cards":        {{"/v1/cards", "GET /v1/cards"}},
	}
	for _, d := range doors() {
		if len(asked[d.role]) == 0 {
			t.Errorf("%s: nothing is asked of it", d.role)
		}
		for _, q := range asked[d.role] {
			a.ask(t, "GET", a.set.url(d.role)+q.path)
		}
		metrics := a.ask(t, "GET", a.set.url(d.role)+"/metrics").body
		for _, q := range asked[d.role] {
			if !strings.Contains(metrics, `tegata_http_request_seconds_count{method="GET",route="`+q.route+`"`) {
				t.Errorf("%s: GET %s is not counted as %s:\n%s", d.role, q.path, q.route, metrics)
			}
		}
		if strings.Contains(metrics, `route="/"`) {
			t.Errorf("%s: something is counted under the route of everything:\n%s", d.role, metrics)
		}
	}
}
