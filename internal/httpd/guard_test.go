package httpd_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/internal/httpd"
	"tegata/internal/problem"
)

const portal = "portal.localhost:8404"

// door is a guarded listener with one route each that answers, fails and panics.
func door(t *testing.T, opt httpd.GuardOptions) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/things/{id}", func(w http.ResponseWriter, r *http.Request) {
		httpd.WriteJSON(w, http.StatusOK, map[string]string{"request_id": httpd.RequestID(r.Context())})
	})
	mux.HandleFunc("POST /read", func(w http.ResponseWriter, r *http.Request) {
		var v struct {
			ID string `json:"id"`
		}
		if err := httpd.ReadJSON(w, r, &v); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		httpd.WriteJSON(w, http.StatusOK, v)
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("the plan is 1234") })
	mux.HandleFunc("/late", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		panic("too late")
	})
	opt.Names = []string{portal, "127.0.0.1:8404"}
	return httpd.Guard(opt, mux)
}

func request(method, target, host string, header ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(`{"id":"1"}`))
	r.Host = host
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestWhoMaySpeakToAListener(t *testing.T) {
	cases := map[string]struct {
		method, host string
		header       []string
		status       int
		code         string
	}{
		"its own name":                                      {"GET", portal, nil, 200, ""},
		"its own name in capitals":                          {"GET", "PORTAL.localhost:8404", nil, 200, ""},
		"its address":                                       {"GET", "127.0.0.1:8404", nil, 200, ""},
		"a name that was rebound to the loopback":           {"GET", "evil.example:8404", nil, 421, "wrong-host"},
		"another party's name on this port":                 {"GET", "bank.localhost:8404", nil, 421, "wrong-host"},
		"its name on another port":                          {"GET", "portal.localhost:8403", nil, 421, "wrong-host"},
		"no name":                                           {"GET", "", nil, 421, "wrong-host"},
		"a page of its own":                                 {"POST", portal, []string{"Origin", "http://" + portal, "Sec-Fetch-Site", "same-origin"}, 200, ""},
		"a script of another site":                          {"GET", portal, []string{"Origin", "http://evil.example"}, 403, "wrong-origin"},
		"a form of another party":                           {"POST", portal, []string{"Origin", "http://bank.localhost:8410", "Sec-Fetch-Site", "same-site"}, 403, "wrong-origin"},
		"a form of a page without an origin":                {"POST", portal, []string{"Origin", "null"}, 403, "wrong-origin"},
		"an origin with a path":                             {"POST", portal, []string{"Origin", "http://" + portal + "/x"}, 403, "wrong-origin"},
		"an origin that hides its host":                     {"POST", portal, []string{"Origin", "http://" + portal + "@evil.example"}, 403, "wrong-origin"},
		"a browser that says cross-site without Origin":     {"POST", portal, []string{"Sec-Fetch-Site", "cross-site"}, 403, "wrong-origin"},
		"a link on another site":                            {"GET", portal, []string{"Sec-Fetch-Site", "cross-site"}, 200, ""},
		"a link on another site, with its way":              {"GET", portal, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200, ""},
		"a picture on another site":                         {"GET", portal, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 403, "wrong-origin"},
		"a picture on another port of this name":            {"GET", portal, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 403, "wrong-origin"},
		"a frame on another site":                           {"GET", portal, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403, "wrong-origin"},
		"a page that another site loads ahead":              {"GET", portal, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Purpose", "prefetch"}, 403, "wrong-origin"},
		"a picture on its own page":                         {"GET", portal, []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 200, ""},
		"a program without Origin":                          {"POST", portal, nil, 200, ""},
		"a rebound name whose page calls itself by its own": {"POST", "evil.example", []string{"Origin", "http://evil.example"}, 421, "wrong-host"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, pages := range []bool{false, true} {
				w := httptest.NewRecorder()
				door(t, httpd.GuardOptions{Pages: pages}).ServeHTTP(w, request(c.method, "/things/1", c.host, c.header...))
				var p struct{ Code string }
				json.Unmarshal(w.Body.Bytes(), &p)
				if w.Code != c.status || p.Code != c.code {
					t.Errorf("pages %v: got %d %q, want %d %q", pages, w.Code, p.Code, c.status, c.code)
				}
			}
		})
	}
}

func TestWhatIsPublicAnswersByAnyName(t *testing.T) {
	opt := httpd.GuardOptions{Public: func(r *http.Request) bool { return r.URL.Path == "/things/1" }}
	for name, c := range map[string]struct {
		path, host string
		header     []string
		status     int
	}{
		"an address without its port":       {"/things/1", "127.0.0.1", nil, 200},
		"no name":                           {"/things/1", "", nil, 200},
		"another path by another name":      {"/things/2", "127.0.0.1", nil, 421},
		"a script of another site":          {"/things/1", "127.0.0.1", []string{"Origin", "http://evil.example"}, 403},
		"a rebound name's page by itself":   {"/things/1", "evil.example", []string{"Origin", "http://evil.example"}, 403},
		"a path that only looks like it":    {"/things/2/../1", "127.0.0.1", nil, 421},
		"its own name, where all may enter": {"/things/1", portal, nil, 200},
	} {
		w := httptest.NewRecorder()
		door(t, opt).ServeHTTP(w, request("GET", c.path, c.host, c.header...))
		if w.Code != c.status {
			t.Errorf("%s: %d, want %d", name, w.Code, c.status)
		}
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	for _, host := range []string{portal, "evil.example"} { // refusals too
		w := httptest.NewRecorder()
		door(t, httpd.GuardOptions{Pages: true, FormAction: []string{"http://phone.localhost:8403"}}).ServeHTTP(w, request("GET", "/things/1", host))
		csp := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' http://phone.localhost:8403"} {
			if !strings.Contains(csp, want) {
				t.Errorf("the policy lacks %q: %s", want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("the policy allows inline script or style: %s", csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}

func TestAPanicIsOurFaultAndTellsNothing(t *testing.T) {
	var log bytes.Buffer
	h := door(t, httpd.GuardOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request("GET", "/panic", portal))
	var p problem.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if w.Code != 500 || p.Kind != problem.OurFault || p.RequestID == "" || p.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("got %d %+v", w.Code, p)
	}
	if strings.Contains(w.Body.String(), "1234") {
		t.Error("the caller reads the panic")
	}
	if !strings.Contains(log.String(), p.RequestID) || !strings.Contains(log.String(), "guard_test.go") {
		t.Errorf("the log does not say where: %s", log.String())
	}
}

func TestAnAnswerThatBreaksOffIsCut(t *testing.T) {
	defer func() {
		if f := recover(); f != http.ErrAbortHandler {
			t.Errorf("the server goes on with half an answer: %v", f)
		}
	}()
	door(t, httpd.GuardOptions{}).ServeHTTP(httptest.NewRecorder(), request("GET", "/late", portal))
}

func TestTheLogHoldsTheRouteAndNeverThePath(t *testing.T) {
	var log bytes.Buffer
	h := door(t, httpd.GuardOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
	h.ServeHTTP(httptest.NewRecorder(), request("GET", "/things/alice?code=s3cret", portal))
	if strings.Contains(log.String(), "alice") || strings.Contains(log.String(), "s3cret") || !strings.Contains(log.String(), "/things/{id}") {
		t.Error(log.String())
	}
}

func TestWhatHasNoRouteIsAProblem(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/things", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/things/{id}", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "its own word", http.StatusNotFound) })
	outer := http.NewServeMux()
	outer.Handle("/", mux)
	for _, c := range []struct {
		method, path string
		status       int
		code, allow  string
	}{
		{"GET", "/nothing", 404, "no-such-path", ""},
		{"HEAD", "/nothing", 404, "no-such-path", ""},
		{"GET", "/v1/things", 405, "wrong-method", "POST"},
		{"GET", "/v1/things/1", 404, "", ""}, // a handler's own answer is left alone
	} {
		w := httptest.NewRecorder()
		httpd.Guard(httpd.GuardOptions{Names: []string{portal}}, outer).ServeHTTP(w, request(c.method, c.path, portal))
		var p problem.Problem
		json.Unmarshal(w.Body.Bytes(), &p)
		if w.Code != c.status || p.Code != c.code || w.Header().Get("Allow") != c.allow || c.code != "" && w.Header().Get("Content-Type") != problem.ContentType {
			t.Errorf("%s %s: %d %v %s", c.method, c.path, w.Code, w.Header(), w.Body)
		}
		if strings.Contains(w.Body.String(), "page not found") {
			t.Errorf("%s %s: the mux's words come too: %s", c.method, c.path, w.Body)
		}
	}
}

func TestAPartysOwnLimitKeepsTheRoute(t *testing.T) {
	inner := http.NewServeMux()
	inner.HandleFunc("POST /read/{id}", func(w http.ResponseWriter, r *http.Request) {
		var v struct {
			ID string `json:"id"`
		}
		if err := httpd.ReadJSON(w, r, &v); err != nil {
			httpd.WriteProblem(w, r, err)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/", httpd.LimitBody(inner, 10))
	var log bytes.Buffer
	h := httpd.Guard(httpd.GuardOptions{Names: []string{portal}, Log: slog.New(slog.NewTextHandler(&log, nil))}, mux)
	for body, status := range map[string]int{`{"id":"1"}`: 200, `{"id":"12"}`: 413} {
		r := request("POST", "/read/1", portal)
		r.Body = io.NopCloser(strings.NewReader(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s: %d, want %d", body, w.Code, status)
		}
	}
	if strings.Count(log.String(), `route="POST /read/{id}"`) != 2 {
		t.Errorf("the log lost the route:\n%s", log.String())
	}
}

func TestRequestIDs(t *testing.T) {
	cases := map[string]struct {
		sent string
		kept bool
	}{
		"none":            {"", false},
		"a caller's":      {"7F3A-90ab_cdef", true},
		"too short":       {"abc", false},
		"too long":        {strings.Repeat("a", 65), false},
		"one for the log": {"aaaaaaaa\" level=ERROR", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			door(t, httpd.GuardOptions{}).ServeHTTP(w, request("GET", "/things/1", portal, "X-Request-Id", c.sent))
			id := w.Header().Get("X-Request-Id")
			if (id == c.sent) != c.kept || id == "" || !strings.Contains(w.Body.String(), id) {
				t.Errorf("sent %q, got %q", c.sent, id)
			}
		})
	}
}

func TestJSONIsReadStrictly(t *testing.T) {
	cases := map[string]struct {
		body, media string
		status      int
	}{
		"one object":                     {`{"id":"1"}`, "application/json", 200},
		"with its character set":         {`{"id":"1"}`, "application/json; charset=utf-8", 200},
		"a form":                         {`id=1`, "application/x-www-form-urlencoded", 415},
		"text that any page may send":    {`{"id":"1"}`, "text/plain", 415},
		"no media type":                  {`{"id":"1"}`, "", 415},
		"an unknown name":                {`{"id":"1","admin":true}`, "application/json", 400},
		"a name twice":                   {`{"id":"1","id":"2"}`, "application/json", 400},
		"a name twice in another case":   {`{"id":"1","ID":"2"}`, "application/json", 400},
		"something behind the value":     {`{"id":"1"}{}`, "application/json", 400},
		"another type":                   {`{"id":1}`, "application/json", 400},
		"half an object":                 {`{"id":"1"`, "application/json", 400},
		"nothing":                        {``, "application/json", 400},
		"bytes that are no UTF-8":        {"{\"id\":\"\xff\"}", "application/json", 400},
		"more than the limit":            {`{"id":"` + strings.Repeat("a", 200) + `"}`, "application/json", 413},
		"nested without end":             {strings.Repeat("[", 90), "application/json", 400},
		"a name twice, deep in an array": {`{"id":[{"a":1,"b":[],"a":2}]}`, "application/json", 400},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := request("POST", "/read", portal)
			r.Body = io.NopCloser(strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.media)
			w := httptest.NewRecorder()
			door(t, httpd.GuardOptions{MaxBody: 100}).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("got %d, want %d: %s", w.Code, c.status, w.Body)
			}
		})
	}
}

func TestARefusalDoesNotRepeatWhatWasSent(t *testing.T) {
	for _, body := range []string{`{"id":1234}`, `{"id":"1234"`, `{"id":"1234","id":"1234"}`, `1234`, `"1234`} {
		r := request("POST", "/read", portal)
		r.Body = io.NopCloser(strings.NewReader(body))
		w := httptest.NewRecorder()
		door(t, httpd.GuardOptions{}).ServeHTTP(w, r)
		if w.Code != 400 || strings.Contains(w.Body.String(), "1234") {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{`{"id":"1"}`, `{"a":[{"b":null}],"A":1}`, `[]`, `}`, `{"a":{"a":{"a":1}}}`, "\xff", `{"a"`, `[[1,2],{"x":[{}]}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v map[string]any
		if err := httpd.DecodeJSON(data, &v); err != nil {
			return
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := httpd.DecodeJSON(again, &v); err != nil {
			t.Errorf("what was read is refused: %s: %v", again, err)
		}
	})
}
