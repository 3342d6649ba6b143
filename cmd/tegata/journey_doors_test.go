package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/httpd"
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

func (a asker) routesInMetrics(t *testing.T) {
	asked := map[string][]struct{ path, route string }{
		"street":       {{"/services.json", "GET /services.json"}, {"/", "GET /{$}"}},
		"issuer":       {{"/v1/terms", "GET /v1/terms"}, {"/ocsp/AAAA", "/ocsp/{base64}"}, {"/crl/phone-auth.crl", "GET /crl/{file}"}},
		"verifier":     {{"/v1/parties/portal", "GET /v1/parties/{id}"}, {"/v1/status", "GET /v1/status"}},
		"phone":        {{"/v1/phones", "GET /v1/phones"}, {"/", "GET /{$}"}},
		"portal":       {{"/", "GET /{$}"}, {"/home", "GET /home"}},
		"municipality": {{"/v1/residents", "GET /v1/residents"}},
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
