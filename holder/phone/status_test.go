package phone_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegata/holder/phone"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/issuer/ra"
)

// said is the phone as `phone show` gets it.
func (w *town) said(id string) phone.View {
	w.t.Helper()
	token := httpd.NewOperatorToken()
	r := httptest.NewRequest("GET", "/v1/phones/"+id, nil)
	bearer := token.Bearer()
	r.Header.Set(bearer.Name, bearer.Value)
	rec := httptest.NewRecorder()
	(&phone.Door{Phones: w.phones, Token: token}).Routes().ServeHTTP(rec, r)
	var v phone.View
	w.must(json.NewDecoder(rec.Body).Decode(&v))
	return v
}

func states(v phone.View) string {
	var all []string
	for _, c := range v.Certificates {
		all = append(all, c.Status)
	}
	return strings.Join(all, " ")
}

// A phone does not say "good" of a pair that ended, or was put on hold, elsewhere:
// not on its home, not to a script.
func TestAPhoneSaysWhatTheAuthoritySaysNow(t *testing.T) {
	w := newTown(t)
	c := w.hanako()
	w.enrol(c, w.phone("t2"))
	s := w.screen(t)
	s.open("/p/t2/")
	s.at("/p/t2/", "使えます", "12:00 に確かめた状態です。")
	if v := w.said("t2"); states(v) != "good good" || !v.StatesAsked || !v.StatesAt.Equal(w.clock()) {
		t.Errorf("registered: %+v", v)
	}
	t3 := w.phone("t3")
	away := w.hold(c, t3)
	code, err := t3.Enrol(t.Context(), phone.Secrets{Card: password(t, cardPassword), PIN: pin(t, phonePIN), Password: password(t, phonePassword)}, phone.EnrolOptions{})
	w.must(err)
	away()
	if v := w.said("t2"); states(v) != "revoked revoked" || v.State != phone.StageEnded {
		t.Errorf("another phone was registered: %s %s", v.State, states(v))
	}
	s.open("/p/t2/")
	s.at("/p/t2/", "使えなくなりました", "利用申請をはじめる")
	if strings.Contains(s.body, "使えます") {
		t.Error("the home of a phone that ended elsewhere says good")
	}
	s.open("/p/t2/history")
	s.at("/p/t2/history", "新しいスマホが登録されたため")

	_, err = w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: code.Groups()}, "x")
	w.must(err)
	if v := w.said("t3"); states(v) != "held held" {
		t.Errorf("the lock code was used: %s", states(v))
	}
	s.open("/p/t3/")
	s.at("/p/t3/", "一時停止中", "紛失の届け出があり")
	if strings.Contains(s.body, "使えます") {
		t.Error("the home of a phone on hold says good")
	}
}

// nobody is a status source that never answers.
type nobody struct{}

func (nobody) Status(ctx context.Context, _, _ *x509.Certificate, _ time.Time) (certpath.Status, error) {
	<-ctx.Done()
	return certpath.Status{}, certpath.ErrNoStatus
}

// When the authority does not answer, the page comes all the same, and says as of
// when it knows.
func TestAStatusThatCannotBeAskedIsSaidWithItsMoment(t *testing.T) {
	w := newTown(t)
	c := w.hanako()
	w.enrol(c, w.phone("a"))
	w.config.Status, w.config.StatusWait = nobody{}, 50*time.Millisecond
	w.restart("a")
	s := w.screen(t)
	w.pass(3 * time.Hour)
	for _, path := range []string{"/p/a/", "/p/a/certificate"} {
		began := time.Now()
		s.open(path)
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s took %v", path, took)
		}
		s.at(path, "いまの状態は確かめられませんでした。", "12:00", "使えます")
	}
	if v := w.said("a"); v.StatesAsked || states(v) != "good good" || !v.StatesAt.Equal(w.clock().Add(-3*time.Hour)) {
		t.Errorf("said %+v", v)
	}

	// The responder answers and the rest of the authority hangs: what is known is said.
	w.config.Status, w.config.StatusWait = certpath.OCSP{Client: httpd.Client(5 * time.Second)}, 300*time.Millisecond
	w.restart("a")
	s = w.screen(t)
	w.enrol(c, w.phone("b"))
	w.cut(func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/enrolments/") {
			return false
		}
		<-r.Context().Done()
		return true
	})
	s.open("/p/a/")
	s.at("/p/a/", "失効しました")
}
