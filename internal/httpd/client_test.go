package httpd_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/problem"
)

var errUnder15 = problem.New(problem.Refused, 403, "under-15",
	problem.Text{Title: "15歳未満の方は申し込めません。"}, problem.Text{Title: "One must be 15."})

func party(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		httpd.WriteJSON(w, 200, map[string]string{
			"host": r.Host, "request_id": httpd.RequestID(r.Context()), "authorization": r.Header.Get("Authorization"), "new": "field",
		})
	})
	mux.HandleFunc("POST /form", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, r *http.Request) { httpd.WriteProblem(w, r, errUnder15.With("age", 14)) })
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `"`+strings.Repeat("a", 1<<20)+`"`)
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "{")
	})
	s := httptest.NewUnstartedServer(nil)
	port := s.Listener.Addr().(*net.TCPAddr).Port
	s.Config.Handler = httpd.Guard(httpd.GuardOptions{Names: []string{net.JoinHostPort("issuer.localhost", strconv.Itoa(port))}}, mux)
	s.Start()
	t.Cleanup(s.Close)
	s.URL = "http://issuer.localhost:" + strconv.Itoa(port)
	return s
}

func TestAClientReachesLocalNamesAndCarriesTheRequestID(t *testing.T) {
	s := party(t)
	var got struct {
		Host          string
		RequestID     string `json:"request_id"`
		Authorization string
	}
	ctx := httpd.WithRequestID(t.Context(), "one-id-for-all")
	c := httpd.Client(time.Second)
	defer c.CloseIdleConnections()
	if err := httpd.PostJSON(ctx, c, s.URL+"/echo", struct{}{}, &got, httpd.Bearer("x")); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.Host, "issuer.localhost:") || got.RequestID != "one-id-for-all" || got.Authorization != "Bearer x" {
		t.Errorf("%+v", got)
	}
}

func TestWhatAnswersBecome(t *testing.T) {
	s := party(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	cases := map[string]struct {
		url  string
		want *problem.Problem
	}{
		"the other party's refusal":          {s.URL + "/refuse", errUnder15},
		"a redirect is not followed":         {s.URL + "/elsewhere", httpd.BadAnswer},
		"an answer without end":              {s.URL + "/huge", httpd.BadAnswer},
		"a page instead of JSON":             {s.URL + "/page", httpd.BadAnswer},
		"a route that is not there":          {s.URL + "/nothing", httpd.BadAnswer},
		"a method that is not there":         {s.URL + "/form", httpd.BadAnswer},
		"nobody at home":                     {"http://" + closed.Addr().String(), httpd.Unreachable},
		"nobody in time":                     {s.URL + "/slow", httpd.Unreachable},
		"a line that breaks in the middle":   {s.URL + "/broken", httpd.Unreachable},
		"a name that is not of this machine": {"http://issuer.invalid:80/", httpd.Unreachable},
	}
	c := httpd.Client(300 * time.Millisecond)
	defer c.CloseIdleConnections()
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			var out any
			err := httpd.GetJSON(t.Context(), c, test.url, &out)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || !errors.Is(err, test.want) || p.Kind != test.want.Kind {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	err = httpd.GetJSON(t.Context(), c, s.URL+"/refuse", nil)
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Extra["age"] != 14.0 || p.RequestID == "" || p.JA != errUnder15.JA {
		t.Errorf("the refusal came over changed: %+v", p)
	}
}

func TestServeEndsInOrder(t *testing.T) {
	var listeners []httpd.Listener
	release := make(chan struct{})
	started := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-httpd.Closing(r.Context()) // a long poll answers when the end comes
		<-release
		if r.Context().Err() != nil {
			t.Error("an answer under way lost its context")
		}
		httpd.WriteJSON(w, 200, "done")
	})
	for range 2 {
		l, err := httpd.Listen(t.Context(), "issuer", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, httpd.Listener{Name: "issuer", L: l, Handler: mux})
	}
	addr := listeners[1].L.Addr().String()
	if _, err := httpd.Listen(t.Context(), "bank", addr); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("an occupied port is not named: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- httpd.Serve(ctx, listeners...) }()
	answered := make(chan error, 1)
	var out string
	go func() {
		answered <- httpd.GetJSON(context.WithoutCancel(ctx), httpd.Client(5*time.Second), "http://"+addr+"/long", &out)
	}()
	<-started
	ahead, err := net.Dial("tcp", addr) // as browsers do
	if err != nil {
		t.Fatal(err)
	}
	defer ahead.Close()
	stop()
	if n, err := ahead.Read(make([]byte, 1)); n != 0 || err == nil { // waits for its end, and the answer under way for us
		t.Errorf("a connection on which nothing was asked: %d bytes, %v", n, err)
	}
	close(release)
	if err := <-answered; err != nil || out != "done" {
		t.Errorf("the answer under way: %q %v", out, err)
	}
	if err := <-served; err != nil {
		t.Errorf("the end is no error: %v", err)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("the port is still open")
	}
}

func TestWithoutMetricsThereIsNoSuchPage(t *testing.T) {
	mux := http.NewServeMux()
	httpd.WithMetrics(mux, nil)
	w := httptest.NewRecorder()
	httpd.Guard(httpd.GuardOptions{Names: []string{portal}}, mux).ServeHTTP(w, request("GET", "/metrics", portal))
	if w.Code != http.StatusNotFound {
		t.Errorf("GET /metrics: %d", w.Code)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	m := httpd.NewMetrics()
	mux := http.NewServeMux()
	ready := errors.New("the database does not answer")
	httpd.WithHealth(mux, func(context.Context) error { return ready })
	httpd.WithMetrics(mux, m)
	h := httpd.Guard(httpd.GuardOptions{Names: []string{portal}, Metrics: m}, mux)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("GET", path, portal))
		return w.Code, w.Body.String()
	}
	if code, body := get("/healthz"); code != 503 || strings.Contains(body, "database") {
		t.Errorf("not ready: %d %s", code, body)
	}
	ready = nil
	if code, _ := get("/healthz"); code != 200 {
		t.Errorf("ready: %d", code)
	}
	get("/no/such/" + strings.Repeat("x", 20)) // a stranger's path makes no label
	m.Counter("tegata_issued_total", "Certificates issued.").Add(2)
	m.Gauge("tegata_outbox", "Notices waiting.", func() float64 { return 3 })
	_, body := get("/metrics")
	for _, want := range []string{
		`tegata_http_request_seconds_count{method="GET",route="GET /healthz",status="200"} 1`,
		`tegata_http_request_seconds_count{method="GET",route="GET /healthz",status="503"} 1`,
		`tegata_http_request_seconds_bucket{method="other",route="other",status="404",le="+Inf"} 1`,
		"tegata_http_in_flight 1", "# TYPE tegata_issued_total counter", "tegata_issued_total 2", "tegata_outbox 3",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no line %s in\n%s", want, body)
		}
	}
}
