package ra_test

import (
	"strings"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/ra"
)

func TestAVerifierHasAPersonToldInTheAuthoritysWords(t *testing.T) {
	w, c, _ := registered(t)
	link, err := w.ra.Linkage(t.Context(), "verifier", c.issued.Certificates.Auth)
	if err != nil {
		t.Fatal(err)
	}
	n := w.heardSoFar()
	for i, code := range []ra.ToldKind{ra.ToldRaised, ra.ToldLoosened, ra.ToldEnded} {
		for range 2 { // its answer was lost
			if _, err := w.ra.Tell(t.Context(), "verifier", ra.ToldByVerifier{ID: "c-" + string(code), Person: link.Person, Code: code}); err != nil {
				t.Fatal(err)
			}
			w.now = w.now.Add(time.Second)
		}
		told := w.told(n)
		if len(told) != i+1 || told[i] != string(code)+" "+c.person.Contact.Address {
			t.Fatalf("told %q", told)
		}
	}
	if m := w.mails()[n+2]; !strings.Contains(m.JA.Title, "すべてなくなりました") {
		t.Errorf("%+v", m)
	}
	for name, row := range map[string]struct {
		verifier string
		in       ra.ToldByVerifier
		code     string
	}{
		"words of its own":            {"verifier", ra.ToldByVerifier{ID: "x", Person: link.Person, Code: "Press http://x.example"}, ra.CodeBadRequest},
		"no id":                       {"verifier", ra.ToldByVerifier{Person: link.Person, Code: ra.ToldRaised}, ra.CodeBadRequest},
		"nobody":                      {"verifier", ra.ToldByVerifier{ID: "x", Person: "x", Code: ra.ToldRaised}, ra.CodeUnknownPerson},
		"another verifier's name for": {"other", ra.ToldByVerifier{ID: "x", Person: link.Person, Code: ra.ToldRaised}, ra.CodeUnknownPerson},
	} {
		t.Log(name)
		_, err := w.ra.Tell(t.Context(), row.verifier, row.in)
		wantCode(t, err, row.code)
	}
	if told := w.told(n); len(told) != 3 {
		t.Errorf("told %q", told)
	}
	base, in := w.serve(), ra.ToldByVerifier{ID: "c-1", Person: link.Person, Code: ra.ToldRaised}
	wantCode(t, w.post(base+"/v1/verifier/notices", in, nil), ra.CodeCaller)
	wantCode(t, w.post(base+"/v1/verifier/notices", in, nil, httpd.Bearer(w.newParty("portal", pki.RoleParty).assertion())), ra.CodeCallerRole)
	if err := w.post(base+"/v1/verifier/notices", in, nil, httpd.Bearer(w.newParty("verifier", pki.RoleVerifier).assertion())); err != nil {
		t.Error(err)
	}
}
