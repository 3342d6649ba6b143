package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestBenchShowsEachWorkBesideItsLimit looks at the shape of what bench prints; a
// figure is never a test's business.
func TestBenchShowsEachWorkBesideItsLimit(t *testing.T) {
	lines := map[string]int{"issuance": 3, "ledger": 1, "ocsp": 3, "registration": 1, "login": 1, "logins": 1, "documents": 6, "suspension": 3, "card": 1}
	for _, m := range benchmarks() {
		t.Run(m.name, func(t *testing.T) {
			r := quickBench(t, m.name)
			if !r.Quick || r.Machine.Cores < 1 || r.Machine.Go == "" || r.Date == "" {
				t.Errorf("the run is not described: %+v", r)
			}
			if len(r.Figures) != lines[m.name] {
				t.Fatalf("%d figures, not %d", len(r.Figures), lines[m.name])
			}
			for _, f := range r.Figures {
				if f.Benchmark != m.name || f.Work == "" || f.LimitIs == "" || (f.Unit != "/s" && f.Unit != "ms") {
					t.Errorf("the figure is not described: %+v", f)
				}
				if f.Ours <= 0 || f.Limit <= 0 || f.Ratio <= 0 || f.KiB <= 0 {
					t.Errorf("%s: not measured: %+v", f.Work, f)
				}
				if p := f.Peer; p != nil && (p.Name == "" || p.Value <= 0 || p.Ratio <= 0) {
					t.Errorf("%s: the peer was not measured: %+v", f.Work, p)
				}
			}
			var out bytes.Buffer
			if err := r.print(console{out: &out}); err != nil {
				t.Fatal(err)
			}
			table := strings.Split(out.String(), "\n")
			head := slices.IndexFunc(table, func(l string) bool { return strings.HasPrefix(l, "WORK ") })
			if head < 0 || strings.Join(strings.Fields(table[head]), " ") != "WORK OURS LIMIT RATIO PROCESSOR TARGET PEER RATIO ALLOCATED" {
				t.Fatalf("the table has no head:\n%s", out.String())
			}
			for n, f := range r.Figures {
				if row := table[head+1+n]; !strings.HasPrefix(row, f.Work+"  ") {
					t.Errorf("row %d is not of %s: %s", n, f.Work, row)
				}
				if !strings.Contains(out.String(), f.Work+": the limit is "+f.LimitIs) {
					t.Errorf("the legend does not say what the limit of %s is", f.Work)
				}
			}
		})
	}
}

// quickBench runs one benchmark as a script would.
func quickBench(t *testing.T, name string) benchReport {
	t.Helper()
	var out, said bytes.Buffer
	c := console{in: strings.NewReader(""), out: &out, err: &said, getenv: func(string) string { return "" }}
	if code := run(t.Context(), []string{"bench", name, "-quick", "-json", "-tmp", t.TempDir()}, c); code != exitDone {
		t.Fatalf("exit %d: %s", code, said.String())
	}
	if !strings.HasPrefix(said.String(), name+"…") {
		t.Errorf("progress is not on stderr: %q", said.String())
	}
	var r benchReport
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return r
}

func TestBenchRefusesANameThatItDoesNotKnow(t *testing.T) {
	var said bytes.Buffer
	c := console{out: &said, err: &said, getenv: func(string) string { return "" }}
	if code := run(t.Context(), []string{"bench", "everything"}, c); code != exitUsage || !strings.Contains(said.String(), "issuance, ledger, ocsp, registration, login, logins, documents, suspension, card") {
		t.Errorf("exit %d: %s", code, said.String())
	}
}
