package ceremony_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// scene is a party, a verifier, a holder and their keys.
type scene struct {
	portal, verifier, enc                *ecdsa.PrivateKey
	portalChain, verifierChain, encChain []*x509.Certificate
	holderChain                          []*x509.Certificate
}

func newScene(t testing.TB) *scene {
	t.Helper()
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), now)
	auth := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 1), now)
	s := &scene{portal: pkitest.ECKey(t), verifier: pkitest.ECKey(t), enc: pkitest.ECKey(t)}
	s.portalChain = []*x509.Certificate{ops.Party(t, s.portal.Public(), "portal", pki.RoleParty, pkitest.Leaf{})}
	origin := []string{"http://verifier.localhost:8402"}
	s.verifierChain = []*x509.Certificate{ops.Party(t, s.verifier.Public(), "verifier", pki.RoleVerifier, pkitest.Leaf{URIs: origin})}
	s.encChain = []*x509.Certificate{ops.Party(t, s.enc.Public(), "verifier", pki.RoleVerifier, pkitest.Leaf{URIs: origin, KeyUsage: x509.KeyUsageKeyAgreement})}
	s.holderChain = []*x509.Certificate{auth.Issue(t, pkitest.Key(t, 2).Public(), pkitest.Leaf{})}
	return s
}

var purpose = ceremony.Text{JA: "マイページにログインします。", EN: "Log in to your page."}

func request() ceremony.Request {
	id := ceremony.NewID()
	return ceremony.Request{
		Issuer: "portal", Audience: "verifier", ID: id, Nonce: ceremony.NewID(), IssuedAt: now.Unix(), Expires: now.Add(5 * time.Minute).Unix(),
		Purpose: ceremony.Purpose{Code: "login", Sentence: purpose}, Kind: ceremony.Login, Risk: ceremony.R1, Claims: []string{"name"},
		Channel: ceremony.Same, ResponseURI: "http://verifier.localhost:8402/v1/requests/" + id + "/answer",
	}
}

func (s *scene) registration() ceremony.Registration {
	return ceremony.Registration{
		Party: "portal", Name: ceremony.Text{JA: "住民ポータル", EN: "Residents' portal"}, Mark: "住",
		Purposes: []ceremony.RegisteredPurpose{{Code: "login", Sentence: purpose, RiskFloor: ceremony.R1, Claims: []string{"name", "address"}}},
		Origins:  []string{"http://portal.localhost:8404"}, ReturnURLs: []string{"http://portal.localhost:8404/return"},
		VerifiedSince: "2026-04-01", Keys: []string{ceremony.KeyID(s.portalChain[0])},
		Verifier: ceremony.VerifierInfo{ID: "verifier", Origin: "http://verifier.localhost:8402",
			EncX5C: []string{base64.StdEncoding.EncodeToString(s.encChain[0].Raw)}},
		IssuedAt: now.Unix(), Expires: now.Add(time.Hour).Unix(),
	}
}

func (s *scene) sign(t testing.TB, r ceremony.Request) *jws.Message[ceremony.Request] {
	t.Helper()
	compact, err := ceremony.SignRequest(s.portal, s.portalChain, r)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ceremony.ParseRequest(compact)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestARequestThatIsNotWhole(t *testing.T) {
	s := newScene(t)
	terminal := &ceremony.Terminal{ID: "kiosk-1", Place: ceremony.Text{JA: "店", EN: "Shop"}, Address: ceremony.Text{JA: "町", EN: "Town"}, X5C: "AAAA"}
	cases := []struct {
		name   string
		change func(*ceremony.Request)
		want   error
	}{
		{"nobody asks", func(r *ceremony.Request) { r.Issuer = "" }, ceremony.ErrMalformed},
		{"an id with a slash", func(r *ceremony.Request) { r.Issuer = "a/b" }, ceremony.ErrMalformed},
		{"a short jti", func(r *ceremony.Request) { r.ID = "abc" }, ceremony.ErrMalformed},
		{"the nonce is the jti", func(r *ceremony.Request) { r.Nonce = r.ID }, ceremony.ErrMalformed},
		{"eleven minutes online", func(r *ceremony.Request) { r.Expires = r.IssuedAt + 660 }, ceremony.ErrMalformed},
		{"three minutes at a terminal", func(r *ceremony.Request) { r.Terminal, r.Channel, r.Expires = terminal, ceremony.Tap, r.IssuedAt+180 }, ceremony.ErrMalformed},
		{"over before it began", func(r *ceremony.Request) { r.Expires = r.IssuedAt }, ceremony.ErrMalformed},
		{"no sentence in English", func(r *ceremony.Request) { r.Purpose.Sentence.EN = "" }, ceremony.ErrMalformed},
		{"a sentence that turns the writing round", func(r *ceremony.Request) { r.Purpose.Sentence.JA = "ログイン\u202e" }, ceremony.ErrMalformed},
		{"a sentence of two lines", func(r *ceremony.Request) { r.Purpose.Sentence.JA = "a\nb" }, ceremony.ErrMalformed},
		{"an unknown risk", func(r *ceremony.Request) { r.Risk = "R0" }, ceremony.ErrMalformed},
		{"an unknown kind", func(r *ceremony.Request) { r.Kind = "delete" }, ceremony.ErrMalformed},
		{"an unknown claim", func(r *ceremony.Request) { r.Claims = []string{"password"} }, ceremony.ErrMalformed},
		{"a claim twice", func(r *ceremony.Request) { r.Claims = []string{"name", "name"} }, ceremony.ErrMalformed},
		{"an unknown channel", func(r *ceremony.Request) { r.Channel = "mail" }, ceremony.ErrMalformed},
		{"two numbers", func(r *ceremony.Request) { r.Channel, r.Match = ceremony.Cross, []string{"11", "22"} }, ceremony.ErrMalformed},
		{"a number twice", func(r *ceremony.Request) { r.Channel, r.Match = ceremony.Cross, []string{"11", "22", "11"} }, ceremony.ErrMalformed},
		{"a number of three digits", func(r *ceremony.Request) { r.Channel, r.Match = ceremony.Cross, []string{"11", "22", "333"} }, ceremony.ErrMalformed},
		{"numbers on the same device", func(r *ceremony.Request) { r.Match = []string{"11", "22", "33"} }, ceremony.ErrMalformed},
		{"a tap without a terminal", func(r *ceremony.Request) { r.Channel, r.Expires = ceremony.Tap, r.IssuedAt+60 }, ceremony.ErrMalformed},
		{"a digest to sign, and no address", func(r *ceremony.Request) {
			r.Kind, r.Risk, r.Document = ceremony.SignDoc, ceremony.R3, &ceremony.Document{Name: "a.txt", Format: "cades", MediaType: "text/plain", SHA256: strings.Repeat("A", 43)}
		}, ceremony.ErrMalformed},
		{"sign without a document", func(r *ceremony.Request) { r.Kind, r.Risk = ceremony.SignDoc, ceremony.R3 }, ceremony.ErrMalformed},
		{"write without lines", func(r *ceremony.Request) { r.Kind = ceremony.Write }, ceremony.ErrMalformed},
		{"an answer address without TLS elsewhere", func(r *ceremony.Request) { r.ResponseURI = "http://verifier.example/a" }, ceremony.ErrMalformed},
		{"an answer address with a user name", func(r *ceremony.Request) { r.ResponseURI = "https://verifier@evil.example/a" }, ceremony.ErrMalformed},
		{"a session key off the curve", func(r *ceremony.Request) {
			r.SessionKey = &ceremony.PublicJWK{KTY: "EC", CRV: "P-256", X: strings.Repeat("A", 43), Y: strings.Repeat("A", 43)}
		}, ceremony.ErrMalformed},
		{"a login of class R3 over another device", func(r *ceremony.Request) {
			r.Risk, r.Channel, r.Match = ceremony.R3, ceremony.Cross, []string{"11", "22", "33"}
		}, ceremony.ErrChannel},
		{"paper of class R3 by link", func(r *ceremony.Request) { r.Kind, r.Risk = ceremony.IssuePaper, ceremony.R3 }, ceremony.ErrChannel},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := request()
			c.change(&r)
			if _, err := ceremony.SignRequest(s.portal, s.portalChain, r); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWhatARegistrationAllows(t *testing.T) {
	s := newScene(t)
	other := newScene(t)
	cases := []struct {
		name   string
		change func(*ceremony.Request, *ceremony.Registration)
		want   error
	}{
		{"what was registered", func(*ceremony.Request, *ceremony.Registration) {}, nil},
		{"a higher class", func(r *ceremony.Request, _ *ceremony.Registration) { r.Risk = ceremony.R2 }, nil},
		{"less data", func(r *ceremony.Request, _ *ceremony.Registration) { r.Claims = nil }, nil},
		{"another party's registration", func(_ *ceremony.Request, g *ceremony.Registration) { g.Party = "bank" }, ceremony.ErrNotRegistered},
		{"a key that is not registered", func(_ *ceremony.Request, g *ceremony.Registration) {
			g.Keys = []string{ceremony.KeyID(other.portalChain[0])}
		}, ceremony.ErrNotRegistered},
		{"another verifier", func(r *ceremony.Request, _ *ceremony.Registration) { r.Audience = "verifier2" }, ceremony.ErrAudience},
		{"an unregistered purpose", func(r *ceremony.Request, _ *ceremony.Registration) { r.Purpose.Code = "tax" }, ceremony.ErrNotRegistered},
		{"another sentence", func(r *ceremony.Request, _ *ceremony.Registration) {
			r.Purpose.Sentence.JA = "賞品を受け取ります。"
		}, ceremony.ErrNotRegistered},
		{"more data", func(r *ceremony.Request, _ *ceremony.Registration) { r.Claims = []string{"name", "birthdate"} }, ceremony.ErrNotRegistered},
		{"for somebody it does not ask for", func(r *ceremony.Request, _ *ceremony.Registration) { r.OnBehalfOf = "bank" }, ceremony.ErrNotRegistered},
		{"for somebody it asks for", func(r *ceremony.Request, g *ceremony.Registration) {
			r.OnBehalfOf, g.AsksFor = "bank", []string{"bank"}
		}, nil},
		{"below the class of its purpose", func(_ *ceremony.Request, g *ceremony.Registration) { g.Purposes[0].RiskFloor = ceremony.R2 }, ceremony.ErrRiskFloor},
		{"an answer address elsewhere", func(r *ceremony.Request, _ *ceremony.Registration) {
			r.ResponseURI = "http://portal.localhost:8404/answer"
		}, ceremony.ErrOrigin},
		{"an answer address on another port", func(r *ceremony.Request, _ *ceremony.Registration) {
			r.ResponseURI = "http://verifier.localhost:8403/answer"
		}, ceremony.ErrOrigin},
		{"a document for a purpose that is registered for less", func(r *ceremony.Request, _ *ceremony.Registration) {
			r.Kind, r.Risk = ceremony.SignDoc, ceremony.R3
			r.Document = &ceremony.Document{Name: "a.txt", Format: "cades", MediaType: "text/plain", SHA256: strings.Repeat("A", 43),
				URL: ceremony.DocumentURL("http://verifier.localhost:8402", r.ID)}
		}, ceremony.ErrNotRegistered},
		{"a document elsewhere", func(r *ceremony.Request, g *ceremony.Registration) {
			r.Kind, r.Risk, g.Purposes[0].RiskFloor = ceremony.SignDoc, ceremony.R3, ceremony.R3
			r.Document = &ceremony.Document{Name: "a.txt", Format: "cades", MediaType: "text/plain", SHA256: strings.Repeat("A", 43), URL: "https://portal.example/d"}
		}, ceremony.ErrOrigin},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, g := request(), s.registration()
			c.change(&r, &g)
			var on *ceremony.Registration
			if r.OnBehalfOf != "" {
				bank := s.registration()
				bank.Party, on = "bank", &bank
			}
			if err := g.Allows(s.sign(t, r), on); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// Who asks for another asks for that one's registered purpose, never for its own.
func TestWhoAsksForAnother(t *testing.T) {
	s := newScene(t)
	for _, c := range []struct {
		name   string
		change func(q *ceremony.Request, asker, bank *ceremony.Registration)
		want   error
	}{
		{"the other names its provider", func(*ceremony.Request, *ceremony.Registration, *ceremony.Registration) {}, nil},
		{"the other names another provider", func(_ *ceremony.Request, _, b *ceremony.Registration) { b.Through = "broker" }, ceremony.ErrNotRegistered},
		{"the registration of somebody else", func(_ *ceremony.Request, _, b *ceremony.Registration) { b.Party = "carrier" }, ceremony.ErrNotRegistered},
		{"another verifier's registration", func(_ *ceremony.Request, _, b *ceremony.Registration) { b.Verifier.ID = "verifier2" }, ceremony.ErrNotRegistered},
		{"the asking party's own purpose", func(_ *ceremony.Request, _, b *ceremony.Registration) { b.Purposes[0].Code = "bank-login" }, ceremony.ErrNotRegistered},
		{"another sentence than the other's", func(_ *ceremony.Request, _, b *ceremony.Registration) {
			b.Purposes[0].Sentence.EN = "Open an account."
		}, ceremony.ErrNotRegistered},
		{"more data than the other's", func(_ *ceremony.Request, _, b *ceremony.Registration) { b.Purposes[0].Claims = nil }, ceremony.ErrNotRegistered},
		{"below the other's class", func(_ *ceremony.Request, _, b *ceremony.Registration) { b.Purposes[0].RiskFloor = ceremony.R3 }, ceremony.ErrRiskFloor},
		{"the asking party's floor does not count", func(_ *ceremony.Request, a, _ *ceremony.Registration) { a.Purposes[0].RiskFloor = ceremony.R3 }, nil},
		{"nobody is named, and a registration is given", func(q *ceremony.Request, _, _ *ceremony.Registration) { q.OnBehalfOf = "" }, ceremony.ErrNotRegistered},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, asker, bank := request(), s.registration(), s.registration()
			q.OnBehalfOf, bank.Party, bank.Through, bank.Keys = "bank", "bank", asker.Party, nil
			if err := bank.Check(); err != nil {
				t.Fatal(err)
			}
			c.change(&q, &asker, &bank)
			if err := asker.Allows(s.sign(t, q), &bank); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if q := request(); q.Issuer != "" {
		q.OnBehalfOf = "bank"
		if err := s.registration().Allows(s.sign(t, q), nil); !errors.Is(err, ceremony.ErrNotRegistered) {
			t.Errorf("without the other's registration: %v", err)
		}
	}
}

func TestARegistrationThatIsNotWhole(t *testing.T) {
	s := newScene(t)
	for name, change := range map[string]func(*ceremony.Registration){
		"a mark with markup":            func(r *ceremony.Registration) { r.Mark = "<b>" },
		"no purpose":                    func(r *ceremony.Registration) { r.Purposes = nil },
		"a purpose twice":               func(r *ceremony.Registration) { r.Purposes = append(r.Purposes, r.Purposes[0]) },
		"no key":                        func(r *ceremony.Registration) { r.Keys = nil },
		"a return address elsewhere":    func(r *ceremony.Registration) { r.ReturnURLs = []string{"https://evil.example/"} },
		"a return address with a query": func(r *ceremony.Registration) { r.ReturnURLs = []string{"http://portal.localhost:8404/r?a=b"} },
		"an origin with a path":         func(r *ceremony.Registration) { r.Origins = []string{"http://portal.localhost:8404/x"} },
		"a date that is none":           func(r *ceremony.Registration) { r.VerifiedSince = "soon" },
		"an encryption key that only signs": func(r *ceremony.Registration) {
			r.Verifier.EncX5C = []string{base64.StdEncoding.EncodeToString(s.verifierChain[0].Raw)}
		},
		"valid for two days":                 func(r *ceremony.Registration) { r.Expires = r.IssuedAt + 2*86400 },
		"a verifier's origin that is a page": func(r *ceremony.Registration) { r.Verifier.Origin += "/x" },
	} {
		t.Run(name, func(t *testing.T) {
			r := s.registration()
			change(&r)
			if _, err := ceremony.SignRegistration(s.verifier, s.verifierChain, r); !errors.Is(err, ceremony.ErrMalformed) {
				t.Errorf("got %v", err)
			}
		})
	}
	compact, err := ceremony.SignRegistration(s.verifier, s.verifierChain, s.registration())
	if err != nil {
		t.Fatal(err)
	}
	m, err := ceremony.ParseRegistration(compact)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Verify()
	if err != nil || r.Fresh(now) != nil || !errors.Is(r.Fresh(now.Add(2*time.Hour)), ceremony.ErrExpired) {
		t.Errorf("%v", err)
	}
}

func answer(req *jws.Message[ceremony.Request]) ceremony.Answer {
	return ceremony.Answer{
		Audience: "verifier", Request: req.Hash(), Nonce: req.Unverified().Nonce, IssuedAt: now.Unix(),
		Decision: ceremony.Approve, AMR: []string{"pin", "swk"}, Counter: 1,
	}
}

func TestWhatAnAnswerAnswers(t *testing.T) {
	s := newScene(t)
	req := s.sign(t, request())
	crossed := request()
	crossed.Channel, crossed.Match = ceremony.Cross, []string{"11", "22", "33"}
	cross := s.sign(t, crossed)
	for _, c := range []struct {
		name   string
		req    *jws.Message[ceremony.Request]
		change func(*ceremony.Answer)
		want   error
	}{
		{"the request", req, func(*ceremony.Answer) {}, nil},
		{"less than asked", req, func(a *ceremony.Answer) { a.Granted = nil }, nil},
		{"another verifier's", req, func(a *ceremony.Answer) { a.Audience = "verifier2" }, ceremony.ErrAudience},
		{"another request's", req, func(a *ceremony.Answer) { a.Request = cross.Hash() }, ceremony.ErrAudience},
		{"another nonce", req, func(a *ceremony.Answer) { a.Nonce = ceremony.NewID() }, ceremony.ErrAudience},
		{"more than asked", req, func(a *ceremony.Answer) { a.Granted = []string{"address"} }, ceremony.ErrMalformed},
		{"a number that nobody asked for", req, func(a *ceremony.Answer) { a.Match = "11" }, ceremony.ErrMalformed},
		{"no number where one is asked for", cross, func(*ceremony.Answer) {}, ceremony.ErrMalformed},
		{"a refusal needs no number", cross, func(a *ceremony.Answer) { a.Decision = ceremony.Refuse }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := answer(c.req)
			c.change(&a)
			if err := a.Answers(c.req); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	for name, change := range map[string]func(*ceremony.Answer){
		"no way of unlocking":        func(a *ceremony.Answer) { a.AMR = []string{"swk"} },
		"an unknown way":             func(a *ceremony.Answer) { a.AMR = []string{"pin", "magic"} },
		"a refusal that gives":       func(a *ceremony.Answer) { a.Decision, a.Granted = ceremony.Refuse, []string{"name"} },
		"a refusal in own words":     func(a *ceremony.Answer) { a.Decision, a.Reason = ceremony.Refuse, "because" },
		"an approval with a reason":  func(a *ceremony.Answer) { a.Reason = ceremony.ReasonNotMe },
		"no decision":                func(a *ceremony.Answer) { a.Decision = "" },
		"a result that is no digest": func(a *ceremony.Answer) { a.Results = []string{"x"} },
	} {
		a := answer(req)
		change(&a)
		if _, err := ceremony.SignAnswer(pkitest.Key(t, 2), s.holderChain, a); !errors.Is(err, ceremony.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A party's key cannot make an answer: ES256 is not for answers.
	if _, err := ceremony.SignAnswer(s.portal, s.portalChain, answer(req)); !errors.Is(err, jws.ErrAlgorithm) {
		t.Errorf("ES256: %v", err)
	}
}

func TestOnlyTheVerifierOpensAnAnswer(t *testing.T) {
	s := newScene(t)
	compact, err := ceremony.SignAnswer(pkitest.Key(t, 2), s.holderChain, answer(s.sign(t, request())))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := ceremony.Seal(compact, s.encChain[0])
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := ceremony.Open(sealed, s.enc, s.encChain[0]); err != nil || opened != compact {
		t.Fatalf("%v", err)
	}
	if _, err := ceremony.Open(sealed, s.portal, s.encChain[0]); !errors.Is(err, ceremony.ErrNotForUs) {
		t.Errorf("the asking party read it: %v", err)
	}
	if _, err := ceremony.Open(sealed, s.enc, s.portalChain[0]); !errors.Is(err, ceremony.ErrNotForUs) {
		t.Errorf("sealed to another certificate: %v", err)
	}
	if _, err := ceremony.Seal(compact, s.verifierChain[0]); !errors.Is(err, ceremony.ErrMalformed) {
		t.Errorf("sealed to a signing key: %v", err)
	}
	for i := range sealed {
		changed := []byte(sealed)
		changed[i] ^= 1
		if opened, err := ceremony.Open(string(changed), s.enc, s.encChain[0]); err == nil && opened == compact {
			// go-jose accepts a second spelling of a part's last character; the bytes are the same.
			if last := i+1 == len(sealed) || sealed[i+1] == '.'; !last {
				t.Errorf("byte %d may be changed", i)
			}
		}
	}
	if _, err := ceremony.Open(strings.Repeat("a", 61<<10), s.enc, s.encChain[0]); !errors.Is(err, ceremony.ErrMalformed) {
		t.Errorf("61 KiB: %v", err)
	}
}
