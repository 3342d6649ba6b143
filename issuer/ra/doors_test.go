package ra_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

// party is a registered party with its ops key.
type party struct {
	w     *world
	id    string
	key   *ecdsa.PrivateKey
	chain []*x509.Certificate
}

func (w *world) newParty(id string, role pki.Role) *party {
	w.t.Helper()
	p := &party{w: w, id: id, key: pkitest.ECKey(w.t)}
	var origins []string
	if role == pki.RoleVerifier {
		origins = []string{"http://127.0.0.1:8402"}
	}
	who := audit.System("issuer")
	draft, err := w.ca.Prepare(w.t.Context(), who, ca.Request{Kind: pki.Ops, PublicKey: &p.key.PublicKey, Holder: id,
		Party: profile.Party{ID: id, Role: role, Origins: origins}, NotAfter: w.now.AddDate(1, 0, 0)})
	if err != nil {
		w.t.Fatal(err)
	}
	cert, err := w.ca.Issue(w.t.Context(), who, draft)
	if err != nil {
		w.t.Fatal(err)
	}
	p.chain = []*x509.Certificate{cert}
	return p
}

func (p *party) assertion() string {
	p.w.t.Helper()
	s, err := ceremony.SignClientAssertion(p.key, p.chain, ceremony.NewClientAssertion(p.id, issuerURL, p.w.now))
	if err != nil {
		p.w.t.Fatal(err)
	}
	return s
}

// serve puts the registration authority behind a listener.
func (w *world) serve() string {
	w.t.Helper()
	mux := http.NewServeMux()
	(&ra.Handler{RA: w.ra}).Register(mux)
	s := httptest.NewServer(mux)
	w.t.Cleanup(s.Close)
	return s.URL
}

func (w *world) post(url string, in, out any, header ...httpd.Header) error {
	return httpd.PostJSON(w.t.Context(), httpd.Client(10*time.Second), url, in, out, header...)
}

func TestARegistrationOverHTTP(t *testing.T) {
	w := newWorld(t)
	base := w.serve()
	city := w.newParty("city", pki.RoleMunicipality)
	c := &card{w: w, id: "card-1", person: hanako(), auth: pkitest.Key(t, 0), sign: pkitest.Key(t, 1)}
	if err := w.post(base+"/v1/card-issuances", c.issuance(), &c.issued, httpd.Bearer(city.assertion())); err != nil {
		t.Fatal(err)
	}
	var terms ra.Terms
	if err := httpd.GetJSON(t.Context(), httpd.Client(time.Second), base+"/v1/terms", &terms); err != nil || terms.Version != "2026-11" {
		t.Fatalf("terms %+v, %v", terms, err)
	}
	p := w.newPhone(2)
	if err := w.post(base+"/v1/enrolments", ra.StepBody{Step: p.applyStep(c, false)}, &p.applied); err != nil {
		t.Fatal(err)
	}
	keys := p.jws(ra.TypeEnrolment, p.keyClaims(), nil)
	if err := w.post(base+"/v1/enrolments/"+p.id+"/keys", ra.StepBody{Step: keys}, &p.issued); err != nil {
		t.Fatal(err)
	}
	register := p.jws(ra.TypeEnrolment, p.registerClaims(), nil)
	var registered ra.Registered
	if err := w.post(base+"/v1/enrolments/"+p.id+"/registration", ra.StepBody{Step: register}, &registered); err != nil {
		t.Fatal(err)
	}
	p.mustBe(status.Good, 0)
	var standing ra.Standing
	show := p.jws(ra.TypeEnrolment, p.claims(ra.StepShow), nil)
	if err := httpd.GetJSON(t.Context(), httpd.Client(time.Second), base+"/v1/enrolments/"+p.id, &standing, httpd.Bearer(show)); err != nil || standing.State != ra.StateRegistered {
		t.Fatalf("%+v, %v", standing, err)
	}
	var checked ra.CheckedIn
	if err := w.post(base+"/v1/checkins", ra.StepBody{Step: p.jws(ra.TypeCheckIn, p.checkInClaims(), nil)}, &checked); err != nil || checked.State != ra.StateRegistered {
		t.Fatalf("%+v, %v", checked, err)
	}
	var suspended ra.Suspended
	if err := w.post(base+"/v1/suspensions", ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, &suspended); err != nil {
		t.Fatal(err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	street := w.newParty("street", pki.RoleStreet)
	var out ra.Outbox
	if err := httpd.GetJSON(t.Context(), httpd.Client(time.Second), base+"/v1/outbox", &out, httpd.Bearer(street.assertion())); err != nil || len(out.Notices) != 3 {
		t.Fatalf("%+v, %v", out, err)
	}
	var stopped ra.Stopped
	if err := w.post(base+"/v1/revocations", ra.StepBody{Step: p.jws(ra.TypeEnrolment, p.claims(ra.StepStop), nil)}, &stopped); err != nil {
		t.Fatal(err)
	}
	var receipt ra.RevocationReceipt
	if err := httpd.GetJSON(t.Context(), httpd.Client(time.Second), base+"/v1/revocations/"+stopped.Receipt, &receipt); err != nil || !receipt.Clear {
		t.Fatalf("%+v, %v", receipt, err)
	}
}

func TestDoorsOpenToTheirOwnRoleOnly(t *testing.T) {
	w, c, _ := registered(t)
	base := w.serve()
	parties := map[pki.Role]*party{}
	for _, role := range pki.Roles() {
		parties[role] = w.newParty("the-"+string(role), role)
	}
	for _, door := range []struct {
		method, path string
		role         pki.Role
		body         any
	}{
		{"POST", "/v1/card-issuances", pki.RoleMunicipality, c.issuance()},
		{"POST", "/v1/card-reissues", pki.RoleMunicipality, ra.CardReissue{ID: "s", Card: "card-1"}},
		{"POST", "/v1/register-events", pki.RoleMunicipality, ra.RegisterEvent{ID: "e", Person: "hanako", Kind: ra.EventCardLost}},
		{"POST", "/v1/verifier/linkage", pki.RoleVerifier, ra.LinkageQuery{Certificate: c.issued.Certificates.Auth}},
		{"POST", "/v1/verifier/attributes", pki.RoleVerifier, ra.AttributesQuery{Release: "x"}},
		{"POST", "/v1/suspensions", pki.RoleParty, ra.Suspension{BirthDate: "1980-02-17", LockCode: "1", Source: "198.51.100.7"}},
		{"GET", "/v1/holders/x/certificates", pki.RoleParty, nil},
		{"GET", "/v1/holders/x/trust", pki.RoleParty, nil},
		{"POST", "/v1/notice-watches", pki.RoleParty, ra.NoticeWatch{Holder: "x"}},
		{"GET", "/v1/noticed?since=1", pki.RoleParty, nil},
		{"POST", "/v1/trust", pki.RoleParty, ra.TrustInvitation{Holder: "x", Label: "a", Shown: "b"}},
		{"POST", "/v1/trust/openings", pki.RoleParty, ra.TrustStep{Holder: "x", Code: "1"}},
		{"POST", "/v1/trust/x/acceptance", pki.RoleParty, ra.TrustStep{Holder: "x"}},
		{"POST", "/v1/trust/x/confirmation", pki.RoleParty, ra.TrustStep{Holder: "x"}},
		{"POST", "/v1/trust/x/end", pki.RoleParty, ra.TrustStep{Holder: "x"}},
		{"GET", "/v1/outbox", pki.RoleStreet, nil},
		{"POST", "/v1/suspensions", pki.RoleHelpdesk, ra.Suspension{Facts: &ra.Facts{}, Agent: "A-01"}},
		{"POST", "/v1/support-views", pki.RoleHelpdesk, ra.SupportQuery{Number: "000000", Agent: "A-01"}},
		{"POST", "/v1/staff/linkage", pki.RoleHelpdesk, ra.StaffQuery{Certificate: c.issued.Certificates.Auth}},
	} {
		call := func(authorization string) (int, string) {
			t.Helper()
			text, _ := json.Marshal(door.body)
			req, err := http.NewRequestWithContext(t.Context(), door.method, base+door.path, bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if authorization != "" {
				req.Header.Set("Authorization", authorization)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var p struct{ Code string }
			json.NewDecoder(resp.Body).Decode(&p)
			return resp.StatusCode, p.Code
		}
		if got, code := call(""); got != 401 || code != ra.CodeCaller {
			t.Errorf("%s without an assertion: %d %s", door.path, got, code)
		}
		for role, p := range parties {
			got, code := call("Bearer " + p.assertion())
			if refused := got == 403 && code == ra.CodeCallerRole; refused != (role != door.role) {
				t.Errorf("%s for a %s: %d %s", door.path, role, got, code)
			}
		}
		used := "Bearer " + parties[door.role].assertion()
		call(used)
		if got, code := call(used); got != 401 || code != ra.CodeCaller {
			t.Errorf("%s with a used assertion: %d %s", door.path, got, code)
		}
		stranger := *parties[door.role]
		stranger.key = pkitest.ECKey(t)
		if s, err := ceremony.SignClientAssertion(stranger.key, stranger.chain, ceremony.NewClientAssertion(stranger.id, issuerURL, w.now)); err == nil {
			if got, code := call("Bearer " + s); got != 401 || code != ra.CodeCaller {
				t.Errorf("%s by another key: %d %s", door.path, got, code)
			}
		}
		other, err := ceremony.SignClientAssertion(parties[door.role].key, parties[door.role].chain, ceremony.NewClientAssertion(parties[door.role].id, "http://127.0.0.1:8402", w.now))
		if err != nil {
			t.Fatal(err)
		}
		if got, code := call("Bearer " + other); got != 401 || code != ra.CodeCaller {
			t.Errorf("%s with an assertion for somebody else: %d %s", door.path, got, code)
		}
	}
	// A revoked party is let in no more.
	v := parties[pki.RoleVerifier]
	if err := w.ledger.Apply(t.Context(), audit.System("issuer"), status.Change{Kind: pki.Ops, Serial: pki.SerialOf(v.chain[0]), Op: status.Revoke, Reason: status.CessationOfOperation, At: w.now}); err != nil {
		t.Fatal(err)
	}
	err := w.post(base+"/v1/verifier/linkage", ra.LinkageQuery{Certificate: c.issued.Certificates.Auth}, &ra.Linkage{}, httpd.Bearer(v.assertion()))
	wantCode(t, err, ra.CodeCaller)
}

// Nothing that the authority logs, and no problem that it answers with, says who somebody is.
func TestNothingInLogsOrAuditIdentifiesAPerson(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	var err error
	w.ra, err = ra.New(ra.Config{URL: issuerURL, Arc: pki.SandboxArc(), Policy: w.policy, Terms: ra.Terms{Version: "2026-11"}, Key: w.key, LockCost: secret.TestCost()},
		w.store, w.ca, func() time.Time { return w.now }, ra.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	c := w.issueCard("card-1", hanako(), 0)
	p := w.newPhone(2)
	p.enrol(c)
	wrong := secret.GenerateLockCode()
	for i := range 201 {
		wrong.Reveal(func(b []byte) {
			w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: string(b)}, "source-"+string(rune('a'+i)))
		})
	}
	if _, err := c.event(ra.EventMoved); err != nil {
		t.Fatal(err)
	}
	var trail strings.Builder
	rows, err := w.auditTrail()
	if err != nil {
		t.Fatal(err)
	}
	trail.WriteString(rows)
	for _, told := range []string{log.String(), trail.String()} {
		for _, personal := range []string{"花子", "見本区", "19800217", "1980-02-17", digits(p), p.code.Groups()} {
			if strings.Contains(told, personal) {
				t.Errorf("%q stands in\n%s", personal, told)
			}
		}
	}
	if !strings.Contains(log.String(), "many wrong lock codes") {
		t.Error("the operator was not told of 200 wrong lock codes")
	}
	log.Reset()
	for i := range 200 { // what is tried at other doors is told by its name
		w.ra.ViewSupport(t.Context(), "helpdesk-"+strconv.Itoa(i/50), ra.SupportQuery{Number: "0", Source: strconv.Itoa(i)})
	}
	if !strings.Contains(log.String(), "many wrong support numbers") || strings.Contains(log.String(), "lock codes") {
		t.Errorf("of 200 wrong support numbers the operator was told %q", log.String())
	}
	if !strings.Contains(trail.String(), "ra.register") {
		t.Error("the audit trail was not read")
	}
}
