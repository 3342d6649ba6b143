package gateway_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
)

// issuer is a small real issuer: the registered-verifier API and the change feed
// over HTTP, with a ledger of its own.
type issuer struct {
	w       *world
	server  *httptest.Server
	feedKey actor
	door    ceremony.Door

	mu      sync.Mutex // guards the rest
	seq     uint64
	last    map[string]feed.Entry
	log     []feed.Entry
	queries []string // what verifiers asked
	down    bool
	persons map[[32]byte]string
	told    []string // what it was asked to tell people
	toldIDs map[string]bool
	asked   []string         // ids of messages, each time that they came
	never   *problem.Problem // it refuses them with this
	lost    bool             // the answer to the next is, once it was told
}

func newIssuer(w *world) *issuer {
	i := &issuer{w: w, last: map[string]feed.Entry{}, persons: map[[32]byte]string{}, toldIDs: map[string]bool{}}
	key := pkitest.ECKey(w.t)
	i.feedKey = actor{"issuer", key, []*x509.Certificate{w.ops.Party(w.t, key.Public(), "issuer", pki.RoleFeed, pkitest.Leaf{})}}
	used := map[string]bool{}
	i.door = ceremony.Door{
		Path: func(_ context.Context, chain []*x509.Certificate, at time.Time) error {
			_, err := certpath.Validate(chain[0], chain[1:], []*x509.Certificate{w.ops.Cert}, certpath.ForRole(pki.SandboxArc(), pki.RoleVerifier), at)
			return err
		},
		Once: func(_ context.Context, party, jti string, _ time.Time) error {
			if used[jti] {
				return ceremony.ErrReplayed
			}
			used[jti] = true
			return nil
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status/changes", i.changes)
	mux.HandleFunc("POST /v1/verifier/linkage", i.linkage)
	mux.HandleFunc("POST /v1/verifier/attributes", i.attributes)
	mux.HandleFunc("POST /v1/verifier/notices", i.tell)
	i.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.down {
			panic(http.ErrAbortHandler)
		}
		if _, err := i.door.Enter(r.Context(), r.Header.Get("Authorization"), w.Now()); err != nil {
			w.t.Errorf("the issuer does not know its caller: %v", err)
			rw.WriteHeader(401)
			return
		}
		i.queries = append(i.queries, r.URL.Path)
		mux.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(i.server.Close)
	i.door.Audience = i.server.URL
	i.set("ops", i.feedKey.chain[0], feed.Good)
	for _, a := range []actor{w.portal, w.bank, w.ghost} {
		i.set("ops", a.chain[0], feed.Good)
	}
	i.set("ops", w.ended.chain[0], feed.Revoked)
	for name, s := range states {
		h := w.holders[name]
		i.set("phone-auth", h.auth[0], s)
		i.set("phone-sign", h.sign[0], s)
		i.set("card-auth", h.card, s)
		i.persons[sha256.Sum256(h.card.Raw)] = "person-" + name
		i.persons[sha256.Sum256(h.auth[0].Raw)] = "person-" + name
		i.persons[sha256.Sum256(h.sign[0].Raw)] = "person-" + name
	}
	i.persons[sha256.Sum256(w.holders["unknown"].auth[0].Raw)] = "person-unknown"
	return i
}

// freshFor is how old the pair of "fresh" is: not a day yet.
const freshFor = 24*time.Hour - time.Minute

// set changes one certificate. The pair of every holder but "fresh" has been good
// for a year.
func (i *issuer) set(authority string, c *x509.Certificate, s feed.Status) {
	good := i.w.Now().AddDate(-1, 0, 0)
	if f := i.w.holders["fresh"]; f != nil && (c.Equal(f.auth[0]) || c.Equal(f.sign[0])) {
		good = i.w.Now().Add(-freshFor)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seq++
	e := feed.Entry{Seq: i.seq, Authority: authority, Serial: pki.SerialOf(c).String(), Status: s, AtMS: i.w.Now().UnixMilli(), GoodMS: good.UnixMilli()}
	switch s {
	case feed.Held:
		e.Reason = 6
	case feed.Revoked:
		e.Reason = 1
	}
	i.last[e.Serial] = e
	i.log = append(i.log, e)
}

func (i *issuer) changes(rw http.ResponseWriter, r *http.Request) {
	b := feed.Batch{Issuer: i.server.URL, To: i.seq, AtMS: i.w.Now().UnixMilli(), Prev: r.FormValue("prev")}
	var after uint64
	if err := json.Unmarshal([]byte(r.FormValue("after")), &after); err != nil || after > i.seq {
		httpd.WriteProblem(rw, r, problem.New(problem.Refused, http.StatusConflict, "no-such-position", problem.Text{}, problem.Text{}))
		return
	}
	b.From, b.Snapshot = after, after == 0
	if after == 0 {
		for _, e := range i.last {
			b.Entries = append(b.Entries, e)
		}
		slices.SortFunc(b.Entries, func(x, y feed.Entry) int { return int(x.Seq) - int(y.Seq) })
	} else {
		b.Entries = i.log[after:]
	}
	compact, err := feed.Sign(i.feedKey.key, i.feedKey.chain, b)
	if err != nil {
		i.w.t.Error(err)
	}
	rw.Header().Set("Content-Type", feed.MediaType)
	io.WriteString(rw, compact)
}

func (i *issuer) linkage(rw http.ResponseWriter, r *http.Request) {
	var q struct{ Certificate []byte }
	if err := httpd.ReadJSON(rw, r, &q); err != nil {
		httpd.WriteProblem(rw, r, err)
		return
	}
	httpd.WriteJSON(rw, 200, ceremony.Linkage{Person: i.persons[sha256.Sum256(q.Certificate)]})
}

func (i *issuer) attributes(rw http.ResponseWriter, r *http.Request) {
	var q ceremony.AttributesQuery
	if err := httpd.ReadJSON(rw, r, &q); err != nil {
		httpd.WriteProblem(rw, r, err)
		return
	}
	m, err := ceremony.ParseRelease(q.Release)
	if err == nil {
		_, err = m.Verify()
	}
	if err != nil || m.Unverified().Verifier != "verifier" || m.Unverified().Fresh(i.w.Now()) != nil {
		httpd.WriteProblem(rw, r, problem.New(problem.Refused, 403, "release-refused", problem.Text{Title: "x"}, problem.Text{Title: "x"}))
		return
	}
	all := map[string]string{"name": "手形 花子", "address": "手形市一丁目1番", "birthdate": "1980-02-17", "gender": "female"}
	out := ceremony.Attributes{Person: i.persons[sha256.Sum256(m.Chain()[0].Raw)], Claims: map[string]string{}, AsOf: i.w.Now().Format(time.RFC3339)}
	for _, c := range m.Unverified().Claims {
		out.Claims[c] = all[c]
	}
	httpd.WriteJSON(rw, 200, out)
}
