package phone_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/issuer/profile"
)

// checkpoint is a verifier with one party, small enough to be wrong in any one
// way: real signatures, real certificates, no store.
type checkpoint struct {
	w          *town
	origin     string
	sign       crypto.Signer
	chain      []*x509.Certificate
	enc        *ecdsa.PrivateKey
	encChain   []*x509.Certificate
	partyKey   crypto.Signer
	partyChain []*x509.Certificate

	mu        sync.Mutex
	requests  map[string]string // compact, by jti
	fetcher   map[string]string
	reg       ceremony.Registration
	terminals map[string]*ceremony.RegisteredTerminal
	logo      []byte // served for whichever party
	answers   []ceremony.Answer
	declined  []string
	trouble   func(rw http.ResponseWriter, r *http.Request) bool
	redirect  string
	document  []byte   // served for every request
	documents [][]byte // or one of these, by its number
	moved     string   // where a document is said to be instead
	signed    [][]byte
	posted    map[string][]ceremony.Posted // answers by request, the same ones again too
}

func newCheckpoint(w *town) *checkpoint {
	w.t.Helper()
	c := &checkpoint{w: w, requests: map[string]string{}, fetcher: map[string]string{}, terminals: map[string]*ceremony.RegisteredTerminal{}, posted: map[string][]ceremony.Posted{},
		redirect: "http://portal.localhost:1/return?response_code=once"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /r/{id}", c.fetch)
	mux.HandleFunc("GET /v1/parties/{id}", c.party)
	mux.HandleFunc("GET /v1/parties/{id}/logo", func(rw http.ResponseWriter, _ *http.Request) { rw.Write(c.logo) })
	mux.HandleFunc("POST /v1/requests/{id}/answer", c.answer)
	mux.HandleFunc("GET /v1/requests/{id}/document", c.give)
	mux.HandleFunc("GET /v1/requests/{id}/documents/{n}", c.give)
	c.origin = "http://" + w.serve(mux)
	c.sign, c.chain = w.party(profile.Party{ID: "verifier", Role: pki.RoleVerifier, Origins: []string{c.origin}})
	var enc crypto.Signer
	enc, c.encChain = w.party(profile.Party{ID: "verifier", Role: pki.RoleVerifier, Encryption: true})
	c.enc = enc.(*ecdsa.PrivateKey)
	c.partyKey, c.partyChain = w.party(profile.Party{ID: "portal", Role: pki.RoleParty})
	c.reg = ceremony.Registration{
		Party: "portal", Name: ceremony.Text{JA: "ポータル", EN: "Portal"}, Mark: "門",
		Purposes: []ceremony.RegisteredPurpose{
			{Code: "login", Sentence: ceremony.Text{JA: "ログインする", EN: "Log in"}, RiskFloor: ceremony.R1, Claims: []string{"name"}},
			{Code: "share", Sentence: ceremony.Text{JA: "渡す", EN: "Share"}, RiskFloor: ceremony.R2, Claims: []string{"name", "address"}},
			{Code: "account", Sentence: ceremony.Text{JA: "口座を開く", EN: "Open an account"}, RiskFloor: ceremony.R3},
		},
		Origins: []string{"http://portal.localhost:1"}, ReturnURLs: []string{"http://portal.localhost:1/return"},
		VerifiedSince: "2026-04-01", Keys: []string{ceremony.KeyID(c.partyChain[0])},
		Verifier: ceremony.VerifierInfo{ID: "verifier", Origin: c.origin, EncX5C: []string{base64.StdEncoding.EncodeToString(c.encChain[0].Raw)}},
		IssuedAt: w.clock().Unix(), Expires: w.clock().Add(time.Hour).Unix(),
	}
	return c
}

// request is a login; change makes it another.
func (c *checkpoint) request(change func(*ceremony.Request)) ceremony.Request {
	id := ceremony.NewID()
	q := ceremony.Request{
		Issuer: "portal", Audience: "verifier", ID: id, Nonce: ceremony.NewID(),
		IssuedAt: c.w.clock().Unix(), Expires: c.w.clock().Add(5 * time.Minute).Unix(),
		Purpose: ceremony.Purpose{Code: "login", Sentence: c.reg.Purposes[0].Sentence},
		Kind:    ceremony.Login, Risk: ceremony.R1, Claims: []string{"name"}, Channel: ceremony.Same,
		ResponseURI: c.origin + "/v1/requests/" + id + "/answer",
	}
	if change != nil {
		change(&q)
	}
	return q
}

// ask signs a request and returns the link to it.
func (c *checkpoint) ask(change func(*ceremony.Request)) string {
	c.w.t.Helper()
	q := c.request(change)
	compact, err := ceremony.SignRequest(c.partyKey, c.partyChain, q)
	c.w.must(err)
	return c.put(q.ID, compact)
}

func (c *checkpoint) put(id, compact string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[id] = compact
	return "http://phone.localhost:8403/open?request_uri=" + c.origin + "/r/" + id
}

func (c *checkpoint) fetch(rw http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, phone := r.PathValue("id"), r.Header.Get(ceremony.PhoneHeader)
	if c.fetcher[id] != "" && c.fetcher[id] != phone || phone == "" {
		httpd.WriteProblem(rw, r, problem.New(problem.Refused, 409, "request-taken", problem.Text{Title: "x"}, problem.Text{Title: "x"}))
		return
	}
	c.fetcher[id] = phone
	rw.Write([]byte(c.requests[id]))
}

// give serves the document to the phone that fetched the request.
func (c *checkpoint) give(rw http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fetcher[r.PathValue("id")] != r.Header.Get(ceremony.PhoneHeader) {
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	if c.moved != "" {
		http.Redirect(rw, r, c.moved, http.StatusFound)
		return
	}
	if n, err := strconv.Atoi(r.PathValue("n")); err == nil {
		rw.Write(c.documents[n-1])
		return
	}
	rw.Write(c.document)
}

func (c *checkpoint) party(rw http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.PathValue("id") != c.reg.Party {
		httpd.WriteProblem(rw, r, problem.New(problem.Refused, 404, "party-unknown", problem.Text{Title: "x"}, problem.Text{Title: "x"}))
		return
	}
	reg := c.reg
	if t := c.terminals[r.FormValue(ceremony.TerminalParameter)]; t != nil {
		reg.Terminal = t
	}
	compact, err := ceremony.SignRegistration(c.sign, c.chain, reg)
	if err != nil {
		httpd.WriteProblem(rw, r, err)
		return
	}
	rw.Write([]byte(compact))
}

func (c *checkpoint) answer(rw http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trouble != nil && c.trouble(rw, r) {
		return
	}
	var body ceremony.Posted
	if err := httpd.ReadJSON(rw, r, &body); err != nil {
		httpd.WriteProblem(rw, r, err)
		return
	}
	if body.Decline != "" {
		c.declined = append(c.declined, body.Decline)
		httpd.WriteJSON(rw, 200, ceremony.Taken{Verdict: ceremony.Failed, Redirect: c.redirect})
		return
	}
	a, err := c.judge(r.PathValue("id"), body.Answer)
	if err != nil {
		httpd.WriteProblem(rw, r, problem.New(problem.Refused, 403, "judged", problem.Text{Title: err.Error()}, problem.Text{Title: err.Error()}))
		return
	}
	c.posted[r.PathValue("id")] = append(c.posted[r.PathValue("id")], body)
	for _, sealed := range body.Signed {
		signed, err := ceremony.OpenSigned(sealed, c.enc, c.encChain[0])
		if err != nil {
			httpd.WriteProblem(rw, r, err)
			return
		}
		c.signed = append(c.signed, signed)
	}
	c.answers = append(c.answers, a)
	httpd.WriteJSON(rw, 200, ceremony.Taken{Verdict: ceremony.Passed, Redirect: c.redirect})
}

// judge verifies an answer as a verifier does.
func (c *checkpoint) judge(id, sealed string) (ceremony.Answer, error) {
	compact, err := ceremony.Open(sealed, c.enc, c.encChain[0])
	if err != nil {
		return ceremony.Answer{}, err
	}
	m, err := ceremony.ParseAnswer(compact)
	if err != nil {
		return ceremony.Answer{}, err
	}
	a, err := m.Verify()
	if err != nil {
		return a, err
	}
	q, err := ceremony.ParseRequest(c.requests[id])
	if err != nil {
		return a, err
	}
	if err := a.Answers(q); err != nil {
		return a, err
	}
	kind := pki.PhoneAuth
	if q.Unverified().Risk == ceremony.R3 {
		kind = pki.PhoneSign
	}
	roots := []*x509.Certificate{c.w.ca.Authority(kind)}
	if _, err := certpath.Validate(m.Chain()[0], m.Chain()[1:], roots, certpath.For(pki.SandboxArc(), kind), c.w.clock()); err != nil {
		return a, err
	}
	if a.Release == "" {
		return a, nil
	}
	rel, err := ceremony.ParseRelease(a.Release)
	if err != nil {
		return a, err
	}
	_, err = rel.Verify()
	return a, err
}

// set has every answer dealt with by trouble first; nil ends that.
func (c *checkpoint) set(trouble func(http.ResponseWriter, *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = trouble
}

func (c *checkpoint) last() ceremony.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.answers) == 0 {
		c.w.t.Fatal("no answer arrived")
	}
	return c.answers[len(c.answers)-1]
}
