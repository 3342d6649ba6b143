package phone_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/holder/phone"
	"tegata/holder/reader"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

func TestFromACardToARegisteredPhone(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("hanako")
	look := func() phone.Look {
		t.Helper()
		l, err := p.Look(t.Context())
		w.must(err)
		return l
	}
	if l := look(); l.Stage != phone.StageNone || l.Holder != "" || len(l.Certificates) != 0 {
		t.Fatalf("a new phone: %+v", l)
	}
	away := w.hold(c, p)
	w.must(apply(p, t, false))
	away()
	if l := look(); l.Stage != phone.StageApplied || l.Holder != "手形　花子" || !l.OpenUntil.After(w.now) {
		t.Fatalf("applied: %+v", l)
	}
	w.must(p.MakeKeys(t.Context(), pin(t, phonePIN), password(t, phonePassword), secret.Password{}))
	if l := look(); l.Stage != phone.StageIssued || len(l.Certificates) != 2 || l.Certificates[0].State != "held" {
		t.Fatalf("issued: %+v", l)
	}
	code, err := p.Register(t.Context())
	w.must(err)
	if again, err := p.Register(t.Context()); err != nil || !again.Equal(code) {
		t.Errorf("the lock code before it was noted: %v", err)
	}
	w.must(p.NotedLockCode(t.Context()))
	if _, err := p.Register(t.Context()); !errors.Is(err, phone.ErrLockCodeGone) {
		t.Errorf("the lock code after it was noted: %v", err)
	}
	l := look()
	if l.Stage != phone.StageRegistered || l.PINTries != 3 || l.PasswordTries != 5 {
		t.Fatalf("registered: %+v", l)
	}
	for _, cert := range l.Certificates {
		if cert.State != "good" {
			t.Errorf("%s is %s", cert.Kind, cert.State)
		}
	}
	if now, err := p.LookNow(t.Context()); err != nil || !now.StatesAsked || now.Stage != phone.StageRegistered {
		t.Errorf("the authority says %+v, %v", now, err)
	}
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: code.Groups()}, "x"); err != nil {
		t.Errorf("the lock code does not suspend: %v", err)
	}
	w.must(p.CheckIn(t.Context()))
	if l := look(); l.Certificates[0].State != "held" || l.Certificates[0].Causes[0] != "lost" {
		t.Errorf("after the suspension: %+v", l.Certificates[0])
	}
	uses, err := p.Uses(t.Context(), 10)
	w.must(err)
	if len(uses) != 3 { // card read, registered, check-in
		t.Errorf("history %+v", uses)
	}
}

// code is the code of err, "" for none.
func code(err error) string {
	if err == nil {
		return ""
	}
	return problem.From(err).Code
}

func TestRefusals(t *testing.T) {
	set := func(c phone.Change) func(*town, *phone.Phone) {
		return func(w *town, p *phone.Phone) { w.must(p.Set(w.t.Context(), c)) }
	}
	model := func(id string) func(*town, *phone.Phone) { return set(phone.Change{Model: &id}) }
	cases := []struct {
		name    string
		adult   bool
		prepare func(*town, *phone.Phone)
		want    string
	}{
		{"a child's card has no signature certificate", false, nil, ra.CodeUnder15},
		{"NFC is off", true, set(phone.Change{NFC: new(false)}), "nfc-off"},
		{"the phone is off", true, set(phone.Change{Power: new(false)}), "power-off"},
		{"the phone is offline", true, set(phone.Change{Network: new(false)}), "no-network"},
		{"a model that is not on the list", true, model("old"), ra.CodeUnsupportedPhone},
		{"a maker that nobody knows", true, model("copycat"), ra.CodeAttestationRoot},
		{"an unlocked boot loader", true, set(phone.Change{Boot: new("unlocked")}), ra.CodeAttestationBoot},
		{"keys in software", true, model("software"), ra.CodeAttestationLevel},
		{"exportable keys", true, model("exportable"), ra.CodeAttestationExportable},
		{"an attestation of another key", true, model("other-key"), ra.CodeAttestationKey},
		{"an attestation with an old challenge", true, model("old-challenge"), ra.CodeAttestationChallenge},
	}
	w, child := newTown(t), newTown(t)
	grown, small := w.hanako(), child.card("small", resident("small", "手形　太郎", time.Date(2015, 4, 1, 0, 0, 0, 0, time.UTC)), false)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, made := w, grown
			if !c.adult {
				w, made = child, small
			}
			p := w.phone("a" + strconv.Itoa(i))
			away := w.hold(made, p)
			defer away()
			if c.prepare != nil {
				c.prepare(w, p)
			}
			_, err := p.Enrol(t.Context(), phone.Secrets{Card: password(t, cardPassword), PIN: pin(t, phonePIN), Password: password(t, phonePassword)}, phone.EnrolOptions{Replace: true})
			prob := problem.From(err)
			if code(err) != c.want || prob.JA.Title == "" || prob.EN.Title == "" || prob.JA.Detail == "" {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if prob.Kind == problem.OurFault {
				t.Errorf("%s is nobody's fault here", prob.Code)
			}
			if prob.Kind == problem.Refused {
				uses, err := p.Uses(t.Context(), 1)
				w.must(err)
				if len(uses) != 1 || uses[0].Code != c.want || uses[0].Why.JA != prob.JA.Title || uses[0].Why.EN != prob.EN.Title || uses[0].Result != phone.ResultFailed {
					t.Errorf("the history does not say what the person was told: %+v", uses)
				}
			}
		})
	}
}

// The card says only that it has no signature certificate. Whether its holder is
// under 15 the authority knows, and when it cannot be asked the phone says what it
// knows itself.
func TestWhyACardWithoutASignatureCertificateIsRefused(t *testing.T) {
	born := func(year int) time.Time { return time.Date(year, 11, 23, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name string
		born time.Time
		cut  bool
		want string
	}{
		{"14 until tomorrow", born(2011), false, ra.CodeUnder15},
		{"15 for a year", born(2010), false, ra.CodeNoSignature},
		{"a child, and the authority does not answer", born(2011), true, ra.CodeNoSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTown(t)
			p := w.phone("a")
			defer w.hold(w.card("small", resident("small", "手形　太郎", c.born), false), p)()
			waitFor(t, p.Tapped)
			if left, known := p.CardTries(t.Context()); !known || left != (phone.CardTries{PIN: 3, Password: -1}) {
				t.Errorf("a password that the card does not have is not blocked: %+v, %v", left, known)
			}
			if c.cut {
				w.cut(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
			}
			err := apply(p, t, false)
			if code(err) != c.want || problem.From(err).Kind != problem.Refused {
				t.Errorf("got %v, want %s", err, c.want)
			}
			uses, err := p.Uses(t.Context(), 2)
			w.must(err)
			if len(uses) != 1 || uses[0].Code != c.want || uses[0].Why.JA == "" {
				t.Errorf("the history says %+v", uses)
			}
		})
	}
}

func TestTheCardsPassword(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	if err := apply(p, t, false); code(err) != "no-card-held" {
		t.Errorf("without a card: %v", err)
	}
	defer w.hold(c, p)()
	wrong := password(t, "WRONG999")
	for left := 4; left >= 1; left-- {
		err := p.Apply(t.Context(), wrong, "2026-11", false)
		if code(err) != "wrong-card-password" || problem.From(err).Extra["tries_left"] != left {
			t.Fatalf("%d tries should be left: %v", left, err)
		}
	}
	for range 2 {
		if err := p.Apply(t.Context(), wrong, "2026-11", false); code(err) != "card-password-blocked" {
			t.Errorf("blocked: %v", err)
		}
	}
	if got := c.TriesLeft(pki.CardSign); got != 0 {
		t.Errorf("%d tries left on the card", got)
	}
}

// quitter is a card that is taken away after some commands.
type quitter struct {
	reader.Token
	left int
	away func()
}

func (q *quitter) Transmit(command []byte) []byte {
	if q.left--; q.left < 0 {
		go q.away()
		time.Sleep(50 * time.Millisecond) // the hand is faster than the card
	}
	return q.Token.Transmit(command)
}

func TestACardTakenAwayLosesNothing(t *testing.T) {
	w := newTown(t)
	c := w.hanako()
	for _, after := range []int{0, 3, 9} {
		p := w.phone("p" + string(rune('a'+after)))
		q := &quitter{Token: c, left: after}
		q.away = func() { p.RemoveCard(t.Context()) }
		away := w.hold(q, p)
		err := apply(p, t, false)
		away()
		if code(err) != "card-removed" {
			t.Errorf("after %d commands: %v", after, err)
		}
		if l, err := p.Look(t.Context()); err != nil || l.Stage != phone.StageNone {
			t.Errorf("after %d commands: stage %s, %v", after, l.Stage, err)
		}
	}
	if got := c.TriesLeft(pki.CardSign); got != 5 {
		t.Errorf("%d tries left on the card", got)
	}
}

func TestWeakAndDifferentSecrets(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	away := w.hold(c, p)
	w.must(apply(p, t, false))
	away()
	for in, reason := range map[string]secret.WeakReason{"0000": secret.WeakSame, "4321": secret.WeakSequence, "0217": secret.WeakBirth, "1980": secret.WeakBirth} {
		err := p.CheckPIN(t.Context(), pin(t, in))
		weak, ok := errors.AsType[*secret.WeakError](err)
		if code(err) != "weak-secret" || !ok || weak.Reason != reason {
			t.Errorf("%s: %v", in, err)
		}
	}
	if err := p.MakeKeys(t.Context(), pin(t, phonePIN), password(t, cardPassword), password(t, cardPassword)); code(err) != "weak-secret" {
		t.Errorf("the card's password for the phone: %v", err)
	}
	if _, err := phone.TwicePIN("4826", "4827"); code(err) != "entries-differ" {
		t.Errorf("two PINs: %v", err)
	}
	if _, err := phone.TwicePassword("TEGATA26", "TEGATA27"); code(err) != "entries-differ" {
		t.Errorf("two passwords: %v", err)
	}
	if got, err := phone.TwicePassword("tegata26", "TEGATA26"); err != nil || !got.Equal(password(t, "TEGATA26")) {
		t.Errorf("one password in two cases: %v", err)
	}
	for _, s := range []string{"12a4", "12345", ""} {
		if _, err := phone.TwicePIN(s, s); code(err) != "secret-form" || strings.Contains(err.Error(), "12a4") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestAnOpenApplicationAsksFirst(t *testing.T) {
	w := newTown(t)
	c, first, second, third := w.hanako(), w.phone("first"), w.phone("second"), w.phone("third")
	away := w.hold(c, first)
	w.must(apply(first, t, false))
	away()
	for _, p := range []*phone.Phone{second, third} {
		away := w.hold(c, p)
		if err := apply(p, t, false); code(err) != ra.CodeOpenApplication {
			t.Fatalf("a further application: %v", err)
		}
		if p == third {
			w.must(apply(third, t, true)) // with the card
		}
		away()
	}
	if err := second.Resume(t.Context()); code(err) != ra.CodeOpenApplication {
		t.Errorf("going on asks the same: %v", err)
	}
	w.must(second.Replace(t.Context())) // without it: the application is signed
	for name, p := range map[string]*phone.Phone{"first": first, "third": third} {
		err := p.MakeKeys(t.Context(), pin(t, phonePIN), password(t, phonePassword), secret.Password{})
		if code(err) != ra.CodeEnrolmentEnded {
			t.Errorf("%s: the older application goes on: %v", name, err)
		}
		if l, err := p.Look(t.Context()); err != nil || l.Stage != phone.StageNone {
			t.Errorf("%s: %s, %v", name, l.Stage, err)
		}
	}
	if err := first.Replace(t.Context()); code(err) != "nothing-open" {
		t.Errorf("replacing with nothing: %v", err)
	}
}

func TestKeepingTheOlderApplication(t *testing.T) {
	w := newTown(t)
	c, first, second := w.hanako(), w.phone("first"), w.phone("second")
	away := w.hold(c, first)
	w.must(apply(first, t, false))
	away()
	defer w.hold(c, second)()
	if err := apply(second, t, false); code(err) != ra.CodeOpenApplication {
		t.Fatal(err)
	}
	w.must(second.Abandon(t.Context()))
	if l, err := second.Look(t.Context()); err != nil || l.Signed || l.Stage != phone.StageNone {
		t.Errorf("%+v, %v", l, err)
	}
	w.must(first.MakeKeys(t.Context(), pin(t, phonePIN), password(t, phonePassword), secret.Password{}))
}

func TestTheNewPhoneEndsTheOldOne(t *testing.T) {
	w := newTown(t)
	c, first, second := w.hanako(), w.phone("first"), w.phone("second")
	w.enrol(c, first)
	w.enrol(c, second)
	if err := first.CheckIn(t.Context()); code(err) != ra.CodeEnrolmentEnded {
		t.Errorf("the old phone checks in: %v", err)
	}
	l, err := first.Look(t.Context())
	w.must(err)
	uses, err := first.Uses(t.Context(), 1)
	w.must(err)
	if uses[0].Code != string(ra.EndedSuperseded) || uses[0].Why.JA != "新しいスマホが登録されたため、終わりました。" || uses[0].Why.EN != "It has ended because a new phone was registered." {
		t.Errorf("the history says %+v", uses[0])
	}
	if l.Stage != phone.StageEnded || l.Ended != string(ra.EndedSuperseded) || l.Certificates[0].State != "revoked" {
		t.Errorf("the old phone: %+v", l)
	}
}

// The same phone may register again; until the new pair is written the old works.
func TestRegisteringAgainOnTheSamePhone(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	w.must(p.NotedLockCode(t.Context()))
	before, err := p.Look(t.Context())
	w.must(err)
	w.pass(time.Hour)
	w.enrol(c, p)
	after, err := p.Look(t.Context())
	w.must(err)
	if after.Stage != phone.StageRegistered || before.Certificates[0].Serial == after.Certificates[0].Serial || after.Certificates[0].State != "good" {
		t.Errorf("%+v", after)
	}
}

// Whatever is lost between phone and authority, trying again ends with one pair.
func TestLostAnswers(t *testing.T) {
	for _, path := range []string{"/v1/enrolments", "/keys", "/registration"} {
		t.Run("the answer of "+path+" is lost", func(t *testing.T) {
			w := newTown(t)
			c, p := w.hanako(), w.phone("a")
			defer w.hold(c, p)()
			lost := 0
			w.cut(func(rw http.ResponseWriter, r *http.Request) bool {
				if lost > 0 || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, path) {
					return false
				}
				lost++
				w.door.ServeHTTP(nowhere{}, r) // it arrived and was carried out
				panic(http.ErrAbortHandler)
			})
			secrets := phone.Secrets{Card: password(t, cardPassword), PIN: pin(t, phonePIN), Password: password(t, phonePassword)}
			if _, err := p.Enrol(t.Context(), secrets, phone.EnrolOptions{}); problem.From(err).Kind != problem.CouldNotCheck {
				t.Fatalf("got %v", err)
			}
			p = w.restart("a")
			defer w.hold(c, p)()
			if _, err := p.Enrol(t.Context(), secrets, phone.EnrolOptions{}); err != nil {
				t.Fatal(err)
			}
			l, err := p.Look(t.Context())
			w.must(err)
			if l.Stage != phone.StageRegistered || lost != 1 {
				t.Errorf("%+v", l)
			}
		})
	}
}

// nowhere is where a lost answer goes.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}

func TestAbandonAndStop(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	away := w.hold(c, p)
	w.must(apply(p, t, false))
	w.must(p.Abandon(t.Context()))
	if l, err := p.Look(t.Context()); err != nil || l.Stage != phone.StageNone {
		t.Errorf("abandoned: %s, %v", l.Stage, err)
	}
	away()
	if _, err := p.Stop(t.Context()); code(err) != "not-registered" {
		t.Errorf("stop without a registration: %v", err)
	}
	w.enrol(c, p)
	r, err := p.Stop(t.Context())
	w.must(err)
	l, err := p.Look(t.Context())
	w.must(err)
	if l.Stage != phone.StageEnded || len(l.Certificates) != 0 || r.Tag != l.Tag || r.URL == "" {
		t.Errorf("stopped: %+v, %+v", r, l)
	}
	again, err := p.Stop(t.Context())
	if err != nil || again != r {
		t.Errorf("stop again: %+v, %v", again, err)
	}
	w.enrol(c, p) // the same phone may begin anew
	w.must(p.Reset(t.Context()))
	if uses, err := p.Uses(t.Context(), 10); err != nil || len(uses) != 0 {
		t.Errorf("history after a factory reset: %+v, %v", uses, err)
	}
	if l, err := p.Look(t.Context()); err != nil || l.Stage != phone.StageNone || l.Holder != "" {
		t.Errorf("after a factory reset: %+v, %v", l, err)
	}
}

func TestAPhoneChecksInByItselfWhileItIsOn(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	if _, due, err := w.phones.NextDue(t.Context()); err != nil || due {
		t.Errorf("an unregistered phone has nothing to do: %v, %v", due, err)
	}
	w.enrol(c, p)
	began := w.clock()
	due, ok, err := w.phones.NextDue(t.Context())
	if err != nil || !ok || !due.Equal(began.Add(24*time.Hour)) {
		t.Fatalf("due %v, %v, %v", due, ok, err)
	}
	w.pass(25 * time.Hour)
	w.must(w.phones.RunDue(t.Context(), w.clock()))
	l, err := p.Look(t.Context())
	w.must(err)
	if !l.LastCheckIn.Equal(w.clock()) {
		t.Errorf("last check-in %v", l.LastCheckIn)
	}
	w.pass(25 * time.Hour)
	w.cut(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	w.must(w.phones.RunDue(t.Context(), w.clock()))
	if due, _, err := w.phones.NextDue(t.Context()); err != nil || !due.Equal(w.clock().Add(time.Hour)) {
		t.Errorf("after a failure due %v, %v", due, err)
	}
	w.must(p.Set(t.Context(), phone.Change{Power: new(false)}))
	if _, due, err := w.phones.NextDue(t.Context()); err != nil || due {
		t.Errorf("a phone that is off does nothing: %v, %v", due, err)
	}
}

// The page's button may be pressed in the moment between putting a card down and the
// slot's having it; that is no reason to say that there is none.
func TestACardThatIsBeingPutDownIsWaitedFor(t *testing.T) {
	w := newTown(t)
	p := w.phone("a")
	if p.Arrives(t.Context()) {
		t.Fatal("a card arrived that nobody holds")
	}
	c := w.card("small", resident("small", "手形　太郎", time.Date(1985, 5, 5, 0, 0, 0, 0, time.UTC)), true) // takes longer than anybody is waited for
	arrives := make(chan bool)
	go func() { arrives <- p.Arrives(t.Context()) }()
	defer w.hold(c, p)()
	if !<-arrives {
		t.Error("a card that was put down a moment later was not waited for")
	}
}
