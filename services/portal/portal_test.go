package portal_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/services/portal"
	"tegata/store"
	portalstore "tegata/store/portal"
	"tegata/store/storetest"
)

var morning = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// world is a portal, and a verifier and an issuer that are small but check what a
// real one checks of a caller: its assertion, signed and used once.
type world struct {
	*portal.Portal
	now time.Time

	mu       sync.Mutex
	result   ceremony.Result // what the verifier answers once the code fits
	code     string          // of a same-device answer; "" asks for none
	requests []ceremony.Request
	seen     map[string]bool
	watched  bool     // the issuer was asked to tell of notices
	noted    []string // it has these
	notedAt  map[string]time.Time
	away     bool // the issuer and the uses do not answer
	silent   bool // nobody answers

	verifier verifierKey
	sets     map[string]string    // events that wait for the portal
	polls    []ceremony.EventPoll // what it asked

	ops      *pkitest.Authority
	key      *ecdsa.PrivateKey   // of the issuer's feed signer
	chain    []*x509.Certificate // its certificate and its authority's
	url      string              // of verifier and issuer
	answer   string              // what the issuer signed of a receipt
	signer   certpath.Status     // of the feed signer's certificate
	unasked  error               // its status cannot be learned
	receipts []string            // numbers that were asked about

	config portal.Config
	db     *store.DB

	unheld      bool             // the issuer takes no suspension
	refusal     *problem.Problem // and refuses it with this
	lost        bool             // the answer of one is lost, once it is done
	asked       func()           // comes with a suspension, before the issuer acts
	reported    string           // as what it was told of the last one
	repeated    bool             // and whether the portal asked for it by itself
	suspensions int
	rules       ceremony.Rules
	proposals   []ceremony.RulesChange
	links       ceremony.Links
	pictures    map[string][]byte // by the path where the verifier has them
	pictured    []string          // paths that were asked for
}

// verifierKey signs what the verifier says.
type verifierKey struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// Status is where the portal learns how the feed signer is.
func (w *world) Status(context.Context, *x509.Certificate, *x509.Certificate, time.Time) (certpath.Status, error) {
	return w.signer, w.unasked
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{now: morning, seen: map[string]bool{}, sets: map[string]string{}, notedAt: map[string]time.Time{}}
	key := pkitest.ECKey(t)
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), morning)
	w.verifier.key = pkitest.ECKey(t)
	w.verifier.cert = ops.Party(t, w.verifier.key.Public(), "verifier", pki.RoleVerifier, pkitest.Leaf{})
	leaf := ops.Party(t, key.Public(), "portal", pki.RoleParty, pkitest.Leaf{})
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	w.ops, w.key, w.url, w.signer.State = ops, pkitest.ECKey(t), server.URL, certpath.Good
	w.chain = []*x509.Certificate{ops.Party(t, w.key.Public(), "issuer-feed", pki.RoleFeed, pkitest.Leaf{}), ops.Cert}
	w.db, w.config = db, portal.Config{
		Ops: []*x509.Certificate{ops.Cert}, Arc: pki.SandboxArc(), Status: w,
		Origin: "http://portal.localhost:1", Party: "portal", Verifier: server.URL, VerifierID: "verifier", Issuer: server.URL,
		Phone: "http://phone.localhost:2", Signer: key, Chain: []*x509.Certificate{leaf, ops.Cert},
		Purpose: ceremony.Purpose{Code: portal.LoginPurpose, Sentence: ceremony.Text{JA: "ログインします。", EN: "Log in."}},
		Verified: func(chain []*x509.Certificate, _ time.Time) error {
			if len(chain) == 0 || !chain[0].Equal(w.verifier.cert) {
				return errors.New("another verifier")
			}
			return nil
		},
		Push: &portal.PushConfig{Key: bytes.Repeat([]byte{7}, 32), Loopback: true},
		Now:  func() time.Time { return w.now }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	w.helpdesk(t, "")
	return w
}

// helpdesk makes the portal one that tells this helpdesk of reports.
func (w *world) helpdesk(t *testing.T, url string) {
	t.Helper()
	w.config.Helpdesk = url
	var err error
	if w.Portal, err = portal.New(w.config, portalstore.New(w.db)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if number, asked := strings.CutPrefix(r.URL.Path, "/v1/revocations/"); asked { // anybody may
		w.receipts = append(w.receipts, number)
		httpd.WriteJSON(rw, http.StatusOK, map[string]any{"receipt": number, "tag": "AAAAAAAA", "clear": true, "signed": w.answer})
		return
	}
	if strings.HasSuffix(r.URL.Path, "/logo") { // anybody may, and nobody says for whom
		if len(r.Header["Authorization"])+len(r.Header[http.CanonicalHeaderKey(ceremony.GrantHeader)]) > 0 {
			http.Error(rw, "a picture is fetched in somebody's name", http.StatusBadRequest)
			return
		}
		w.pictured = append(w.pictured, r.URL.Path)
		rw.Write(w.pictures[r.URL.Path])
		return
	}
	assertion, err := ceremony.ParseClientAssertion(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusUnauthorized)
		return
	}
	claims, err := assertion.Verify()
	if err != nil || w.seen[claims.ID] || claims.Issuer != "portal" {
		http.Error(rw, "not the portal, or not new", http.StatusUnauthorized)
		return
	}
	w.seen[claims.ID] = true
	switch {
	case w.silent:
		http.Error(rw, "", http.StatusServiceUnavailable)
	case r.URL.Path == "/v1/events":
		var poll ceremony.EventPoll
		json.NewDecoder(r.Body).Decode(&poll)
		w.polls = append(w.polls, poll)
		for _, id := range poll.Ack {
			delete(w.sets, id)
		}
		httpd.WriteJSON(rw, http.StatusOK, ceremony.Events{Sets: w.sets})
	case r.Method == http.MethodPost && r.URL.Path == "/v1/requests":
		var start ceremony.Start
		json.NewDecoder(r.Body).Decode(&start)
		message, err := ceremony.ParseRequest(start.Request)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		request, err := message.Verify()
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.requests = append(w.requests, request)
		match := ""
		if len(request.Match) > 0 {
			match = request.Match[1]
		}
		httpd.WriteJSON(rw, http.StatusCreated, ceremony.Started{RequestURI: "http://127.0.0.1:9/r/" + request.ID, ResultID: "result-1", Match: match, ExpiresAt: request.Expires})
	case r.URL.Path == "/v1/requests/result-1":
		if w.code != "" && claims.ResponseCode != w.code {
			httpd.WriteJSON(rw, http.StatusOK, ceremony.Result{State: ceremony.StateAnswered})
			return
		}
		httpd.WriteJSON(rw, http.StatusOK, w.result)
	case w.away:
		http.Error(rw, "", http.StatusServiceUnavailable)
	case r.URL.Path == "/v1/notice-watches" && r.Header.Get(ceremony.GrantHeader) == "notices-grant":
		var body struct {
			Holder string
			On     bool
		}
		json.NewDecoder(r.Body).Decode(&body)
		w.watched = body.On && body.Holder == "pairwise"
		httpd.WriteJSON(rw, http.StatusOK, map[string]any{"holder": body.Holder, "on": body.On})
	case r.URL.Path == "/v1/noticed" && r.URL.Query().Get("since") == strconv.FormatInt(w.now.Add(-time.Hour).UnixMilli(), 10):
		list := []map[string]any{}
		for _, id := range w.noted {
			if w.notedAt[id].IsZero() { // it is noted as it is first asked about
				w.notedAt[id] = w.now
			}
			if w.now.Sub(w.notedAt[id]) <= time.Hour {
				list = append(list, map[string]any{"id": id, "holder": "pairwise", "at": w.notedAt[id]})
			}
		}
		httpd.WriteJSON(rw, http.StatusOK, map[string]any{"notices": list})
	case r.URL.Path == "/v1/uses" && r.Header.Get(ceremony.GrantHeader) == "uses-grant":
		httpd.WriteJSON(rw, http.StatusOK, ceremony.Uses{Uses: []ceremony.Use{{Party: "portal", Verdict: ceremony.Passed}}})
	case r.URL.Path == "/v1/holders/pairwise/certificates" && r.Header.Get(ceremony.GrantHeader) == "certificates-grant":
		httpd.WriteJSON(rw, http.StatusOK, map[string]any{"certificates": []portal.Certificate{{Kind: "phone-auth", State: "good"}},
			"queries": []portal.Query{{Verifier: "verifier", What: "linkage"}}})
	case w.serveDesk(rw, r):
	default:
		http.NotFound(rw, r)
	}
}

func passed(channel ceremony.Channel) ceremony.Result {
	return ceremony.Result{State: ceremony.StateDone, Verdict: ceremony.Passed, Sub: "person-1", Channel: channel, ACR: "r1", Holder: "pairwise",
		Claims: map[string]string{ceremony.ClaimName: "手形　花子"},
		Grants: map[string]string{ceremony.ScopeUses: "uses-grant", ceremony.ScopeCertificates: "certificates-grant", ceremony.ScopeNotices: "notices-grant"}}
}

// each runs body on both databases.
func each(t *testing.T, body func(t *testing.T, w *world)) {
	storetest.Each(t, portalstore.Schema, func(t *testing.T, db *store.DB) { body(t, newWorld(t, db)) })
}

func TestALoginOnTheSameDeviceEndsInTheBrowserThatBeganIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		browser, l, err := w.Begin(ctx, ceremony.Same)
		if err != nil {
			t.Fatal(err)
		}
		if r := w.requests[0]; r.Risk != ceremony.R1 || r.Channel != ceremony.Same || len(r.Match) != 0 || r.Claims[0] != ceremony.ClaimName {
			t.Fatalf("asked for %+v", r)
		}
		if link := w.PhoneLink(l.RequestURI); !strings.HasPrefix(link, "http://phone.localhost:2/open?request_uri=http%3A%2F%2F127.0.0.1") {
			t.Fatalf("the phone is asked at %s", link)
		}
		w.result, w.code = passed(ceremony.Same), ceremony.NewID()

		// The person who photographed the link, or to whom it was mailed, gets nothing.
		if _, err := w.Return(ctx, "", w.code); !errors.Is(err, portal.ErrOtherBrowser) {
			t.Errorf("without a cookie: %v", err)
		}
		other, _, err := w.Begin(ctx, ceremony.Same)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range []string{ceremony.NewID(), "", "made up", w.code[1:]} {
			if _, err := w.Return(ctx, browser, code); !errors.Is(err, portal.ErrOtherBrowser) {
				t.Errorf("with the code %q: %v", code, err)
			}
		}
		if state, session, err := w.Poll(ctx, other); session != "" || state == portal.StateDone && err == nil {
			t.Errorf("polling finished a login on the same device: %v %v", state, err)
		}

		session, err := w.Return(ctx, browser, w.code)
		if err != nil {
			t.Fatal(err)
		}
		home, err := w.HomeOf(ctx, session)
		if err != nil || home.Account.Name != "手形　花子" || len(home.Snapshot.Certificates) != 1 || len(home.Snapshot.Uses) != 1 {
			t.Fatalf("home: %+v, %v", home, err)
		}
		// Reload and back: the same answer does not open a second session.
		if _, err := w.Return(ctx, browser, w.code); !errors.Is(err, portal.ErrLoginOver) {
			t.Errorf("the code opened a second session: %v", err)
		}
		if err := w.Logout(ctx, session); err != nil {
			t.Fatal(err)
		}
		if _, err := w.HomeOf(ctx, session); !errors.Is(err, portal.ErrNotLoggedIn) {
			t.Errorf("after logging out: %v", err)
		}
	})
}

func TestALoginFromAnotherDeviceIsShort(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		browser, l, err := w.Begin(ctx, ceremony.Cross)
		if err != nil {
			t.Fatal(err)
		}
		numbers := map[string]bool{}
		for _, n := range w.requests[0].Match {
			numbers[n] = true
		}
		if len(numbers) != 3 || !numbers[l.Match] {
			t.Fatalf("numbers %v, shown %s", w.requests[0].Match, l.Match)
		}
		w.result = ceremony.Result{State: ceremony.StateOpened}
		if state, session, err := w.Poll(ctx, browser); err != nil || session != "" || state != portal.StateOpened {
			t.Fatalf("before the answer: %v %q %v", state, session, err)
		}
		w.result = passed(ceremony.Cross)
		w.result.SessionUntil = morning.Add(30 * time.Minute).Unix()
		_, session, err := w.Poll(ctx, browser)
		if err != nil || session == "" {
			t.Fatalf("after the answer: %v", err)
		}
		w.now = morning.Add(29 * time.Minute)
		if _, _, err := w.SessionOf(ctx, session); err != nil {
			t.Errorf("after 29 minutes: %v", err)
		}
		w.now = morning.Add(30 * time.Minute)
		if _, _, err := w.SessionOf(ctx, session); !errors.Is(err, portal.ErrNotLoggedIn) {
			t.Errorf("after 30 minutes: %v", err)
		}
	})
}

// A verifier that names no end, or a late one, does not make it longer.
func TestALoginFromAnotherDeviceIsShortWhateverTheVerifierSays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, until := range []int64{0, morning.Add(10 * time.Hour).Unix()} {
			browser, _, err := w.Begin(t.Context(), ceremony.Cross)
			if err != nil {
				t.Fatal(err)
			}
			w.result = passed(ceremony.Cross)
			w.result.SessionUntil = until
			_, session, err := w.Poll(t.Context(), browser)
			if err != nil {
				t.Fatal(err)
			}
			if s, _, err := w.SessionOf(t.Context(), session); err != nil || s.Ends.Sub(s.Begun) != 30*time.Minute {
				t.Errorf("until %d: a session of %s, %v", until, s.Ends.Sub(s.Begun), err)
			}
		}
	})
}

func TestWhatDidNotPassOpensNothingAndSaysWhy(t *testing.T) {
	for name, tt := range map[string]struct {
		result ceremony.Result
		want   error
	}{
		"the person refused":       {ceremony.Result{State: ceremony.StateDone, Verdict: ceremony.Failed, Code: "holder-refused"}, portal.ErrHolderRefused},
		"another number":           {ceremony.Result{State: ceremony.StateDone, Verdict: ceremony.Failed, Code: "match-wrong"}, portal.ErrWrongNumber},
		"a revoked certificate":    {ceremony.Result{State: ceremony.StateDone, Verdict: ceremony.Failed, Code: "certificate-revoked"}, portal.ErrLoginFailed},
		"nobody answered in time":  {ceremony.Result{State: ceremony.StateExpired}, portal.ErrLoginOver},
		"the name was not granted": {func() ceremony.Result { r := passed(ceremony.Cross); r.Claims = nil; return r }(), portal.ErrNoName},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				browser, _, err := w.Begin(t.Context(), ceremony.Cross)
				if err != nil {
					t.Fatal(err)
				}
				w.result = tt.result
				if _, session, err := w.Poll(t.Context(), browser); session != "" || !errors.Is(err, tt.want) {
					t.Fatalf("session %q, %v; want %v", session, err, tt.want)
				}
			})
		})
	}
}

func TestAPersonIsLoggedInThoughStatesCouldNotBeRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		browser, _, err := w.Begin(t.Context(), ceremony.Cross)
		if err != nil {
			t.Fatal(err)
		}
		w.result, w.away = passed(ceremony.Cross), true
		_, session, err := w.Poll(t.Context(), browser)
		if err != nil {
			t.Fatal(err)
		}
		home, err := w.HomeOf(t.Context(), session)
		if err != nil || !home.Snapshot.MissingCertificates || !home.Snapshot.MissingUses {
			t.Fatalf("home: %+v, %v", home.Snapshot, err)
		}
	})
}

func TestALoginEndsWithItsTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		browser, l, err := w.Begin(t.Context(), ceremony.Same)
		if err != nil {
			t.Fatal(err)
		}
		w.now = l.ExpiresAt.Add(time.Second)
		if _, err := w.Return(context.Background(), browser, ceremony.NewID()); !errors.Is(err, portal.ErrLoginOver) {
			t.Fatalf("got %v", err)
		}
	})
}
