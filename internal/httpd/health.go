package httpd

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tegata/internal/problem"
)

var errNotReady = problem.New(problem.CouldNotCheck, http.StatusServiceUnavailable, "not-ready",
	problem.Text{Title: "この窓口はまだ利用できません。", Detail: "少し待ってからもう一度お試しください。"},
	problem.Text{Title: "This service cannot do its job just now.", Detail: "Wait a moment and try again."})

// WithHealth adds GET /healthz: 200 when ready returns nil within two seconds,
// so that a role that cannot do its job says so. The reason is for our log.
func WithHealth(mux Registrar, ready func(context.Context) error) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := ready(ctx); err != nil {
			WriteProblem(w, r, errNotReady.Because(err))
			return
		}
		WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	})
}

// WithMetrics adds GET /metrics in the Prometheus text format, version 0.0.4.
// Without metrics there is no such page.
func WithMetrics(mux Registrar, m *Metrics) {
	if m == nil {
		return
	}
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		out := bufio.NewWriter(w)
		defer out.Flush()
		m.write(out)
	})
}

// Metrics counts what one role does. Make it with NewMetrics; a nil *Metrics
// counts nothing. Labels come from our own routes and words, never from a
// caller, so their number is bounded.
type Metrics struct {
	mu       sync.Mutex // guards all below
	inFlight int
	requests map[requestLabels]*requestCounts
	counters map[string]*Counter
	gauges   map[string]gauge
}

type requestLabels struct{ method, route, status string }

type requestCounts struct {
	buckets [len(durationBuckets)]uint64
	count   uint64
	seconds float64
}

// durationBuckets are upper bounds in seconds.
var durationBuckets = [...]float64{0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10}

type gauge struct {
	help  string
	value func() float64
}

// NewMetrics makes an empty set.
func NewMetrics() *Metrics {
	return &Metrics{requests: map[requestLabels]*requestCounts{}, counters: map[string]*Counter{}, gauges: map[string]gauge{}}
}

// Counter is a number that only grows.
type Counter struct {
	mu    sync.Mutex // guards n
	n     uint64
	help  string
	owner *Metrics
}

// Counter returns the counter called name ("tegata_issued_total"), making it
// when it is new. On a nil Metrics it counts for nobody.
func (m *Metrics) Counter(name, help string) *Counter {
	if m == nil {
		return &Counter{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counters[name] == nil {
		m.counters[name] = &Counter{help: help, owner: m}
	}
	return m.counters[name]
}

// Add adds n.
func (c *Counter) Add(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
}

func (c *Counter) value() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// Gauge has value asked whenever the metrics are read.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gauges[name] = gauge{help, value}
}

// begin counts a request; the function it returns ends it.
func (m *Metrics) begin() func(method, route string, status int, took time.Duration) {
	if m == nil {
		return func(string, string, int, time.Duration) {}
	}
	m.mu.Lock()
	m.inFlight++
	m.mu.Unlock()
	return func(method, route string, status int, took time.Duration) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.inFlight--
		if route == "" { // nothing of ours: strangers must not make labels
			method, route = "other", "other"
		}
		key := requestLabels{method, route, strconv.Itoa(status)}
		c := m.requests[key]
		if c == nil {
			c = &requestCounts{}
			m.requests[key] = c
		}
		c.count++
		c.seconds += took.Seconds()
		for i, limit := range durationBuckets {
			if took.Seconds() <= limit {
				c.buckets[i]++
			}
		}
	}
}

func (m *Metrics) write(w *bufio.Writer) {
	m.mu.Lock()
	inFlight := m.inFlight
	requests := make(map[requestLabels]requestCounts, len(m.requests))
	for k, c := range m.requests {
		requests[k] = *c
	}
	counters, gauges := maps.Clone(m.counters), maps.Clone(m.gauges)
	m.mu.Unlock() // a gauge may ask a database

	head := func(name, kind, help string) {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	head("tegata_http_in_flight", "gauge", "Requests being answered.")
	fmt.Fprintf(w, "tegata_http_in_flight %d\n", inFlight)
	keys := slices.SortedFunc(maps.Keys(requests), func(a, b requestLabels) int {
		return strings.Compare(a.route+a.method+a.status, b.route+b.method+b.status)
	})
	head("tegata_http_request_seconds", "histogram", "Time to answer, by route and status.")
	for _, k := range keys {
		c := requests[k]
		labels := fmt.Sprintf("method=%s,route=%s,status=%s", quote(k.method), quote(k.route), quote(k.status))
		for i, limit := range durationBuckets {
			fmt.Fprintf(w, "tegata_http_request_seconds_bucket{%s,le=\"%g\"} %d\n", labels, limit, c.buckets[i])
		}
		fmt.Fprintf(w, "tegata_http_request_seconds_bucket{%s,le=\"+Inf\"} %d\n", labels, c.count)
		fmt.Fprintf(w, "tegata_http_request_seconds_sum{%s} %g\n", labels, c.seconds)
		fmt.Fprintf(w, "tegata_http_request_seconds_count{%s} %d\n", labels, c.count)
	}
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		head(name, "counter", counters[name].help)
		fmt.Fprintf(w, "%s %d\n", name, counters[name].value())
	}
	for _, name := range slices.Sorted(maps.Keys(gauges)) {
		head(name, "gauge", gauges[name].help)
		fmt.Fprintf(w, "%s %g\n", name, gauges[name].value())
	}
}

// quote writes a label value: backslash, quote and line feed are escaped
// (Prometheus text format 0.0.4).
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
