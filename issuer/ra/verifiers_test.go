package ra_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/ra"
)

func TestLinkageIsStableForOneVerifierAndDifferentForAnother(t *testing.T) {
	w, c, p := registered(t)
	ask := func(verifier string, der []byte) string {
		t.Helper()
		got, err := w.ra.Linkage(t.Context(), verifier, der)
		if err != nil {
			t.Fatal(err)
		}
		return got.Person
	}
	one := ask("verifier", p.issued.Certificates.Auth)
	if b, err := base64.RawURLEncoding.DecodeString(one); err != nil || len(b) != 32 {
		t.Errorf("the person id is %q", one)
	}
	fresh := w.issueCard("card-2", hanako(), 4)
	if _, err := fresh.event(ra.EventCardRenewed); err != nil {
		t.Fatal(err)
	}
	q := w.newPhone(6)
	q.enrol(fresh)
	for name, der := range map[string][]byte{
		"signature of the same phone": p.issued.Certificates.Sign, "the card": c.issued.Certificates.Auth, "the card's signature": c.issued.Certificates.Sign,
		"the renewed card": fresh.issued.Certificates.Auth, "the next phone": q.issued.Certificates.Auth, "its signature": q.issued.Certificates.Sign,
	} {
		if got := ask("verifier", der); got != one {
			t.Errorf("%s leads to another person", name)
		}
	}
	if ask("another", p.issued.Certificates.Auth) == one {
		t.Error("two verifiers can compare notes")
	}
	ours, err := x509.ParseCertificate(p.issued.Certificates.Auth)
	if err != nil {
		t.Fatal(err)
	}
	// Our serial number in a stranger's certificate does not lead to the person.
	stranger, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: ours.SerialNumber}, &x509.Certificate{}, p.auth.Public(), p.auth)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.ra.Linkage(t.Context(), "verifier", stranger)
	wantCode(t, err, ra.CodeUnknownCertificate)
	_, err = w.ra.Linkage(t.Context(), "verifier", []byte("x"))
	wantCode(t, err, ra.CodeUnknownCertificate)
}

func (p *phone) release(key *rsa.PrivateKey, der []byte, change func(*ceremony.Release)) string {
	p.w.t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		p.w.t.Fatal(err)
	}
	hash := sha256.Sum256([]byte("request"))
	r := ceremony.Release{Verifier: "verifier", Claims: []string{"name", "birthdate"}, Request: base64.RawURLEncoding.EncodeToString(hash[:]),
		IssuedAt: p.w.now.Unix(), Expires: p.w.now.Add(5 * time.Minute).Unix()}
	if change != nil {
		change(&r)
	}
	s, err := ceremony.SignRelease(key, []*x509.Certificate{cert}, r)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return s
}

func TestAttributesAreReleasedAgainstTheHoldersSignatureOnly(t *testing.T) {
	w, c, p := registered(t)
	got, err := w.ra.Release(t.Context(), "verifier", p.release(p.auth, p.issued.Certificates.Auth, nil))
	if err != nil {
		t.Fatal(err)
	}
	if want := (ra.ReleasedClaims{Name: "手形　花子", BirthDate: "1980-02-17"}); got.Claims != want {
		t.Errorf("released %+v, want %+v: what was not named stays", got.Claims, want)
	}
	all, err := w.ra.Release(t.Context(), "verifier", p.release(p.sign, p.issued.Certificates.Sign, func(r *ceremony.Release) { r.Claims = ceremony.AttributeClaims() }))
	if err != nil || all.Claims.Gender != "female" || all.Claims.Address == "" || all.Person != got.Person {
		t.Errorf("released %+v, %v", all, err)
	}
	for _, tt := range []struct {
		name    string
		code    ra.Code
		release string
	}{
		{"for another verifier", ra.CodeReleaseInvalid, p.release(p.auth, p.issued.Certificates.Auth, func(r *ceremony.Release) { r.Verifier = "another" })},
		{"that has expired", ra.CodeReleaseInvalid, p.release(p.auth, p.issued.Certificates.Auth, func(r *ceremony.Release) { r.IssuedAt -= 900; r.Expires -= 900 })},
		{"signed by another key", ra.CodeReleaseInvalid, p.release(p.sign, p.issued.Certificates.Auth, nil)},
		{"signed by a card", ra.CodeReleaseInvalid, p.release(c.auth, c.issued.Certificates.Auth, nil)},
		{"that is none", ra.CodeReleaseInvalid, "x"},
	} {
		_, err := w.ra.Release(t.Context(), "verifier", tt.release)
		if wantCode(t, err, tt.code); err == nil {
			t.Errorf("a release %s was honoured", tt.name)
		}
	}
	// After moving, the register's word counts, and the old signature certificate does not.
	if _, err := c.event(ra.EventMoved); err != nil {
		t.Fatal(err)
	}
	_, err = w.ra.Release(t.Context(), "verifier", p.release(p.sign, p.issued.Certificates.Sign, nil))
	wantCode(t, err, ra.CodeReleaseCertificate)
	moved, err := w.ra.Release(t.Context(), "verifier", p.release(p.auth, p.issued.Certificates.Auth, func(r *ceremony.Release) { r.Claims = []string{"address"} }))
	if err != nil || moved.Claims.Address != "東京都見本区九丁目9番9号" {
		t.Errorf("released %+v, %v", moved, err)
	}
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "a"); err != nil {
		t.Fatal(err)
	}
	_, err = w.ra.Release(t.Context(), "verifier", p.release(p.auth, p.issued.Certificates.Auth, nil))
	wantCode(t, err, ra.CodeReleaseCertificate)
}

func TestThePortalSeesAHoldersCertificatesAgainstAGrant(t *testing.T) {
	w, c, p := registered(t)
	base := w.serve()
	verifier, portal, bank := w.newParty("verifier", pki.RoleVerifier), w.newParty("portal", pki.RoleParty), w.newParty("bank", pki.RoleParty)
	var link ra.Linkage
	if err := w.post(base+"/v1/verifier/linkage", ra.LinkageQuery{Certificate: p.issued.Certificates.Auth}, &link, httpd.Bearer(verifier.assertion())); err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte("request"))
	grant := func(signer *party, change func(*ceremony.Grant)) httpd.Header {
		t.Helper()
		g := ceremony.Grant{Issuer: "verifier", Audience: issuerURL, Party: "portal", Subject: link.Person, Scope: ceremony.ScopeCertificates,
			Login: base64.RawURLEncoding.EncodeToString(hash[:]), ID: ceremony.NewID(), IssuedAt: w.now.Unix(), Expires: w.now.Add(5 * time.Minute).Unix()}
		if change != nil {
			change(&g)
		}
		s, err := ceremony.SignGrant(signer.key, signer.chain, g)
		if err != nil {
			t.Fatal(err)
		}
		return httpd.Header{Name: ceremony.GrantHeader, Value: s}
	}
	get := func(who *party, person string, g httpd.Header) (ra.Holding, error) {
		var out ra.Holding
		err := httpd.GetJSON(t.Context(), httpd.Client(time.Second), base+"/v1/holders/"+person+"/certificates", &out, httpd.Bearer(who.assertion()), g)
		return out, err
	}
	good := grant(verifier, nil)
	got, err := get(portal, link.Person, good)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Certificates) != 4 || got.Phone == nil || got.Phone.Model != "Tegata One" || len(got.Queries) != 2 {
		t.Errorf("got %+v", got)
	}
	for _, q := range got.Queries {
		if q.Verifier != "verifier" && q.Verifier != "portal" {
			t.Errorf("the holder sees %+v", q)
		}
	}
	other := strings.Repeat("A", 43)
	for name, try := range map[string]func() (ra.Holding, error){
		"used twice":           func() (ra.Holding, error) { return get(portal, link.Person, good) },
		"by another party":     func() (ra.Holding, error) { return get(bank, link.Person, grant(verifier, nil)) },
		"about somebody else":  func() (ra.Holding, error) { return get(portal, other, grant(verifier, nil)) },
		"signed by the portal": func() (ra.Holding, error) { return get(portal, link.Person, grant(portal, nil)) },
		"signed by the portal in its own name": func() (ra.Holding, error) {
			return get(portal, link.Person, grant(portal, func(g *ceremony.Grant) { g.Issuer = "portal" }))
		},
		"for another scope": func() (ra.Holding, error) {
			return get(portal, link.Person, grant(verifier, func(g *ceremony.Grant) { g.Scope = ceremony.ScopeUses }))
		},
		"for the verifier": func() (ra.Holding, error) {
			return get(portal, link.Person, grant(verifier, func(g *ceremony.Grant) { g.Audience = "verifier" }))
		},
		"of yesterday": func() (ra.Holding, error) {
			return get(portal, link.Person, grant(verifier, func(g *ceremony.Grant) { g.IssuedAt -= 86400; g.Expires -= 86400 }))
		},
		"that is none": func() (ra.Holding, error) {
			return get(portal, link.Person, httpd.Header{Name: ceremony.GrantHeader, Value: "x"})
		},
	} {
		_, err := try()
		t.Run(name, func(t *testing.T) { wantCode(t, err, ra.CodeGrantInvalid) })
	}
	_, err = get(portal, other, grant(verifier, func(g *ceremony.Grant) { g.Subject = other }))
	wantCode(t, err, ra.CodeUnknownPerson)
	if _, err := c.event(ra.EventMoved); err != nil {
		t.Fatal(err)
	}
	if got, err = get(portal, link.Person, grant(verifier, nil)); err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for _, h := range got.Certificates {
		states[h.Kind] = h.State
	}
	if states["phone-sign"] != "revoked" || states["card-sign"] != "revoked" || states["phone-auth"] != "good" || states["card-auth"] != "good" {
		t.Errorf("after moving the holder sees %v", states)
	}
}
