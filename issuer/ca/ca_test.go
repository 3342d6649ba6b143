package ca_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/issuer/issuertest"
	"tegata/store/storetest"
)

func TestEveryKindIsIssuedAndVerifies(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		i := issuertest.NewOn(t, db)
		for n, kind := range pki.Kinds() {
			cert := i.Issue(t, kind, n, "")
			if err := cert.CheckSignatureFrom(i.CA.Authority(kind)); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			again, err := i.CA.Certificate(t.Context(), pki.SerialOf(cert))
			if err != nil || !bytes.Equal(again.Raw, cert.Raw) {
				t.Errorf("%s: the recorded certificate is another: %v", kind, err)
			}
			state, err := i.Ledger.State(t.Context(), kind, pki.SerialOf(cert))
			if err != nil || state.Status != status.Good || !state.GoodSince.Equal(i.Clock.Now()) {
				t.Errorf("%s: state %+v, %v", kind, state, err)
			}
		}
		list, err := i.CA.CertificatesOf(t.Context(), "holder")
		if err != nil || len(list) != len(pki.Kinds()) {
			t.Errorf("the holder has %d certificates, %v", len(list), err)
		}
		if err := db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAnECAuthorityIssues(t *testing.T) {
	db := openDB(t)
	i := issuertest.Prepare(t, db, "http://127.0.0.1:8401")
	for _, kind := range pki.Kinds() { // the pool's keys are RSA
		if err := os.Remove(filepath.Join(i.Config.Dir, string(kind)+".key")); err != nil {
			t.Fatal(err)
		}
	}
	i.Config.Algorithms = map[pki.Kind]profile.Algorithm{}
	for _, kind := range pki.Kinds() {
		i.Config.Algorithms[kind] = profile.ECDSAP384SHA384
	}
	var err error
	if i.CA, err = ca.Create(t.Context(), i.Config); err != nil {
		t.Fatal(err)
	}
	for n, kind := range pki.Kinds() {
		cert := i.Issue(t, kind, n, "")
		if cert.SignatureAlgorithm != x509.ECDSAWithSHA384 {
			t.Errorf("%s is signed with %v", kind, cert.SignatureAlgorithm)
		}
		if err := cert.CheckSignatureFrom(i.CA.Authority(kind)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func openDB(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Create(t.Context(), storetest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context(), issuer.Schema); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestADraftIsUsedOnce(t *testing.T) {
	i := issuertest.New(t)
	draft, err := i.CA.Prepare(t.Context(), issuertest.Who, i.Request(t, pki.PhoneAuth, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.CA.Issue(t.Context(), issuertest.Who, draft); err != nil {
		t.Fatal(err)
	}
	if _, err := i.CA.Issue(t.Context(), issuertest.Who, draft); !errors.Is(err, ca.ErrDraftUsed) {
		t.Errorf("a second use: %v", err)
	}
}

func TestAReferenceGivesOneCertificate(t *testing.T) {
	i := issuertest.New(t)
	request := i.Request(t, pki.PhoneAuth, 0)
	request.Ref = "enrolment 1 auth"
	var certs []*x509.Certificate
	first, err := i.CA.Prepare(t.Context(), issuertest.Who, request)
	if err != nil {
		t.Fatal(err)
	}
	second, err := i.CA.Prepare(t.Context(), issuertest.Who, request) // before the first was used
	if err != nil {
		t.Fatal(err)
	}
	for _, draft := range []*ca.Draft{first, second} {
		cert, err := i.CA.Issue(t.Context(), issuertest.Who, draft)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
	third, err := i.CA.Prepare(t.Context(), issuertest.Who, request)
	if err != nil || !third.Issued() {
		t.Fatalf("after the issue: %v, issued %t", err, third.Issued())
	}
	cert, err := i.CA.Issue(t.Context(), issuertest.Who, third)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(certs, cert) {
		if !bytes.Equal(c.Raw, certs[0].Raw) {
			t.Error("one reference gave two certificates")
		}
	}
	other := i.Request(t, pki.PhoneAuth, 1)
	other.Ref = request.Ref
	if _, err := i.CA.Prepare(t.Context(), issuertest.Who, other); !errors.Is(err, ca.ErrRefUsed) {
		t.Errorf("another key under the same reference: %v", err)
	}
}

func TestWhatNoProfileAllowsIsNotRecorded(t *testing.T) {
	i := issuertest.New(t)
	person := issuertest.Person()
	for name, change := range map[string]func(*ca.Request){
		"a P-256 key in a phone": func(r *ca.Request) { r.PublicKey = issuertest.ECKey(t).Public() },
		"no key":                 func(r *ca.Request) { r.PublicKey = nil },
		"a name in an authentication certificate": func(r *ca.Request) { r.Kind, r.Subject.Attributes = pki.PhoneAuth, person.Attributes },
		"a municipality in an authentication certificate": func(r *ca.Request) {
			r.Kind, r.Subject = pki.PhoneAuth, profile.Subject{Municipality: person.Municipality}
		},
		"no attributes in a signature certificate": func(r *ca.Request) { r.Subject.Attributes = pki.Attributes{} },
		"a partition that is a path":               func(r *ca.Request) { r.Subject.Municipality.Code = "../ops" },
		"a longer life than the authority's":       func(r *ca.Request) { r.NotAfter = i.CA.Authority(pki.PhoneSign).NotAfter.Add(time.Second) },
		"an end before the beginning":              func(r *ca.Request) { r.NotAfter = i.Clock.Now().Add(-time.Minute) },
		"a beginning long ago":                     func(r *ca.Request) { r.NotBefore = i.Clock.Now().AddDate(0, 0, -1) },
		"a role for a person":                      func(r *ca.Request) { r.Party.Role = pki.RoleVerifier },
		"a hold without a cause that is one":       func(r *ca.Request) { r.Hold = "annoyed" },
		"an authority that is none":                func(r *ca.Request) { r.Kind = "root" },
		"a newline in the common name":             func(r *ca.Request) { r.Subject.CommonName = "a\nb" },
	} {
		request := i.Request(t, pki.PhoneSign, 0)
		request.Ref = name
		change(&request)
		if _, err := i.CA.Prepare(t.Context(), issuertest.Who, request); err == nil {
			t.Errorf("%s: was drafted", name)
		}
	}
	for name, change := range map[string]func(*profile.Party){
		"a role that is none":      func(p *profile.Party) { p.Role = "emperor" },
		"an origin with a path":    func(p *profile.Party) { p.Origins = []string{"https://bank.example/login"} },
		"an origin with a user":    func(p *profile.Party) { p.Origins = []string{"https://a@bank.example"} },
		"an id with a slash":       func(p *profile.Party) { p.ID = "bank/portal" },
		"no id":                    func(p *profile.Party) { p.ID = "" },
		"an origin that is script": func(p *profile.Party) { p.Origins = []string{"javascript:alert(1)"} },
	} {
		request := i.Request(t, pki.Ops, 0)
		change(&request.Party)
		if _, err := i.CA.Prepare(t.Context(), issuertest.Who, request); err == nil {
			t.Errorf("%s: was drafted", name)
		}
	}
	if list, err := i.Store.RecordsOf(t.Context(), "holder"); err != nil || len(list) != 0 {
		t.Errorf("%d drafts were recorded, %v", len(list), err)
	}
}

func TestOpenFindsWhatCreateMade(t *testing.T) {
	i := issuertest.New(t)
	before := keyFiles(t, i.Config.Dir)
	opened, err := ca.Open(t.Context(), i.Config)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(opened.Bundle(), i.CA.Bundle()) {
		t.Error("other authorities were opened")
	}
	if after := keyFiles(t, i.Config.Dir); after != before {
		t.Errorf("opening made keys: %s, then %s", before, after)
	}
	if _, err := ca.Create(t.Context(), i.Config); !errors.Is(err, ca.ErrExists) {
		t.Errorf("a second creation: %v", err)
	}
	renamed := i.Config
	renamed.Operator.Organization = "Somebody Else"
	if _, err := ca.Open(t.Context(), renamed); !errors.Is(err, ca.ErrOtherOperator) || !strings.Contains(err.Error(), "Somebody Else") || !strings.Contains(err.Error(), "Tegata Test") {
		t.Errorf("another name: %v", err)
	}
	moved := i.Config
	moved.Operator.Arc = pki.Arc{2, 999, 7}
	if _, err := ca.Open(t.Context(), moved); !errors.Is(err, ca.ErrOtherOperator) || !strings.Contains(err.Error(), "2.999.7") {
		t.Errorf("another arc: %v", err)
	}
	changed := i.Config
	changed.Algorithms = map[pki.Kind]profile.Algorithm{pki.PhoneAuth: profile.ECDSAP384SHA384}
	if _, err := ca.Open(t.Context(), changed); !errors.Is(err, ca.ErrOtherOperator) || !strings.Contains(err.Error(), "phone-auth") {
		t.Errorf("another algorithm: %v", err)
	}
	other := i.Config
	other.Operator.Sandbox = !other.Operator.Sandbox
	if _, err := ca.Open(t.Context(), other); !errors.Is(err, ca.ErrOtherSide) {
		t.Errorf("authorities without the sandbox's mark opened in a sandbox: %v", err)
	}
	if err := os.Rename(filepath.Join(i.Config.Dir, "card-auth.key"), filepath.Join(i.Config.Dir, "card-sign.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Open(t.Context(), i.Config); err == nil {
		t.Error("one authority's key opened as another's")
	}
}

func keyFiles(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestOpenMakesNothing(t *testing.T) {
	i := issuertest.Prepare(t, openDB(t), "http://127.0.0.1:8401")
	if _, err := ca.Open(t.Context(), i.Config); !errors.Is(err, ca.ErrMissing) {
		t.Errorf("opening nothing: %v", err)
	}
}

func TestAKeyFileHoldsNoKeyInClear(t *testing.T) {
	i := issuertest.New(t)
	for n, kind := range pki.Kinds() {
		data, err := os.ReadFile(filepath.Join(i.Config.Dir, string(kind)+".key"))
		if err != nil {
			t.Fatal(err)
		}
		if key := pkitest.Key(t, n); bytes.Contains(data, key.D.Bytes()) || bytes.Contains(data, key.Primes[0].Bytes()) {
			t.Errorf("%s: the key stands in its file", kind)
		}
		changed := bytes.Clone(data)
		changed[len(changed)/2] ^= 1
		if err := os.WriteFile(filepath.Join(i.Config.Dir, string(kind)+".key"), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ca.Open(t.Context(), i.Config); err == nil {
			t.Errorf("%s: a changed key file opened", kind)
		}
		if err := os.WriteFile(filepath.Join(i.Config.Dir, string(kind)+".key"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGenerationsShareANameAndNotAKey(t *testing.T) {
	i := issuertest.New(t)
	old := i.Issue(t, pki.PhoneAuth, 0, "")
	i.Clock.Walk(365 * 24 * time.Hour)
	i.Config.Algorithms = nil
	second, err := i.CA.Rekey(t.Context(), issuertest.Who, pki.PhoneAuth)
	if err != nil {
		t.Fatal(err)
	}
	first := i.CA.Issuers()
	young := i.Issue(t, pki.PhoneAuth, 1, "")
	if err := young.CheckSignatureFrom(second); err != nil {
		t.Error(err)
	}
	if young.CheckSignatureFrom(old) == nil || !bytes.Equal(old.RawIssuer, young.RawIssuer) || bytes.Equal(old.AuthorityKeyId, young.AuthorityKeyId) {
		t.Error("generations are told apart by key identifier, not by name")
	}
	if got := young.CRLDistributionPoints[0]; !strings.Contains(got, "/crl/phone-auth-2/") {
		t.Errorf("the young certificate's CRL is at %s", got)
	}
	if len(first) != len(pki.Kinds())+1 {
		t.Errorf("%d authorities", len(first))
	}
}

func TestResponderIsDelegatedShortLivedAndRenewed(t *testing.T) {
	i := issuertest.New(t)
	cert, signer, err := i.CA.Responder(t.Context(), pki.CardSign, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.CheckSignatureFrom(i.CA.Authority(pki.CardSign)); err != nil {
		t.Error(err)
	}
	if life := cert.NotAfter.Sub(cert.NotBefore); life != 30*24*time.Hour {
		t.Errorf("it lives %v", life)
	}
	if len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageOCSPSigning {
		t.Errorf("its purpose is %v", cert.ExtKeyUsage)
	}
	same, _, err := i.CA.Responder(t.Context(), pki.CardSign, 1)
	if err != nil || !bytes.Equal(same.Raw, cert.Raw) {
		t.Errorf("it was renewed at once: %v", err)
	}
	reopened, err := ca.Open(t.Context(), i.Config)
	if err != nil {
		t.Fatal(err)
	}
	if kept, _, err := reopened.Responder(t.Context(), pki.CardSign, 1); err != nil || !bytes.Equal(kept.Raw, cert.Raw) {
		t.Errorf("a second start made another responder: %v", err)
	}
	i.Clock.Walk(26 * 24 * time.Hour)
	renewed, other, err := i.CA.Responder(t.Context(), pki.CardSign, 1)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(renewed.Raw, cert.Raw) {
		t.Error("it was not renewed in its last days")
	}
	if bytes.Equal(renewed.RawSubjectPublicKeyInfo, cert.RawSubjectPublicKeyInfo) || other == signer {
		t.Error("it was renewed with the old key")
	}
	i.Clock.Walk(3 * 365 * 24 * time.Hour)
	if later, _, err := i.CA.Responder(t.Context(), pki.CardSign, 1); err != nil || later.NotAfter.Before(i.Clock.Now()) {
		t.Errorf("after years: %v", err)
	}
}

func TestTheFeedSignerIsAPartyOfRoleFeed(t *testing.T) {
	i := issuertest.New(t)
	chain, _, err := i.CA.FeedSigner(t.Context())
	if err != nil || len(chain) != 2 {
		t.Fatal(err, len(chain))
	}
	if err := chain[0].CheckSignatureFrom(chain[1]); err != nil {
		t.Error(err)
	}
	if len(chain[0].UnknownExtKeyUsage) != 1 || !chain[0].UnknownExtKeyUsage[0].Equal(pki.SandboxArc().Role(pki.RoleFeed)) {
		t.Errorf("its role is %v", chain[0].UnknownExtKeyUsage)
	}
}

func TestAClockThatRunsBackwardsStopsSigning(t *testing.T) {
	i := issuertest.New(t)
	draft, err := i.CA.Prepare(t.Context(), issuertest.Who, i.Request(t, pki.PhoneAuth, 0))
	if err != nil {
		t.Fatal(err)
	}
	i.Clock.Walk(-time.Hour)
	if _, err := i.CA.Issue(t.Context(), issuertest.Who, draft); !errors.Is(err, status.ErrBehind) {
		t.Errorf("issue: %v", err)
	}
	if _, err := i.CA.Prepare(t.Context(), issuertest.Who, i.Request(t, pki.PhoneAuth, 0)); !errors.Is(err, status.ErrBehind) {
		t.Errorf("prepare: %v", err)
	}
	if _, err := i.CA.SignCRL(t.Context(), pki.PhoneAuth, 1, []byte{0x30, 0}); !errors.Is(err, status.ErrBehind) {
		t.Errorf("CRL: %v", err)
	}
}

// Certificates that are wanted together are recorded at once and entered at once,
// whatever of them was there before.
func TestCertificatesAreIssuedTogether(t *testing.T) {
	var commits atomic.Int64
	i := issuertest.NewHooked(t, func(m durable.Moment) {
		if strings.HasPrefix(string(m), "after commit ") {
			commits.Add(1)
		}
	})
	pair := func(subject string, auth, sign int) []ca.Request {
		a, s := i.Request(t, pki.PhoneAuth, auth), i.Request(t, pki.PhoneSign, sign)
		a.Ref, s.Ref = subject+" auth", subject+" sign"
		return []ca.Request{a, s}
	}
	issue := func(requests ...ca.Request) ([]*x509.Certificate, error) {
		drafts, err := i.CA.PrepareAll(t.Context(), issuertest.Who, requests...)
		if err != nil {
			return nil, err
		}
		return i.CA.IssueAll(t.Context(), issuertest.Who, drafts...)
	}
	before := commits.Load()
	first, err := issue(pair("one", 0, 1)...)
	if err != nil || len(first) != 2 {
		t.Fatal(first, err)
	}
	if n := commits.Load() - before; n != 2 {
		t.Errorf("%d commits, not one before signing and one after", n)
	}
	for n, kind := range []pki.Kind{pki.PhoneAuth, pki.PhoneSign} {
		if err := first[n].CheckSignatureFrom(i.CA.Authority(kind)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	again, err := issue(pair("one", 0, 1)...)
	if err != nil || !again[0].Equal(first[0]) || !again[1].Equal(first[1]) {
		t.Errorf("asked again they are others: %v", err)
	}
	if _, err := issue(pair("one", 0, 2)...); !errors.Is(err, ca.ErrRefUsed) {
		t.Errorf("another key under one of the references: %v", err)
	}

	half := pair("two", 2, 3)
	auth, err := issue(half[0]) // the other was never begun
	if err != nil {
		t.Fatal(err)
	}
	both, err := issue(half...)
	if err != nil || !both[0].Equal(auth[0]) || both[1].CheckSignatureFrom(i.CA.Authority(pki.PhoneSign)) != nil {
		t.Errorf("half of them were there: %v", err)
	}

	weak := pair("three", 4, 5)
	weak[1].PublicKey = &rsa.PublicKey{N: big.NewInt(15), E: 3}
	if _, err := issue(weak...); err == nil {
		t.Error("a weak key was certified")
	}
	if records, err := i.Store.RecordsOf(t.Context(), weak[0].Holder); err != nil || len(records) != 4 {
		t.Errorf("%d records, not those of the first two pairs: %v", len(records), err)
	}

	const at = 6 // once
	got := make([][]*x509.Certificate, at)
	var group sync.WaitGroup
	for n := range at {
		group.Go(func() {
			var err error
			if got[n], err = issue(pair("four", 6, 7)...); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for n := range at {
		if got[n] != nil && (!got[n][0].Equal(got[0][0]) || !got[n][1].Equal(got[0][1])) {
			t.Error("one reference, two certificates")
		}
	}
	if err := i.DB.CheckAudit(t.Context()); err != nil {
		t.Error(err)
	}
}
