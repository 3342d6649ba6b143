package ra_test

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tegata/internal/attest"
	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ca"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

// Every event in every state: what becomes of a phone's pair, what the person is told,
// or by which code it is refused. testdata/every.md has the answers, to be read beside
// docs/lifecycle.md; -update writes it anew, and whoever does reads what changed.

var update = flag.Bool("update", false, "write testdata/every.md anew")

// scene is a life with whatever else a state needs.
type scene struct {
	life
	q      *phone // a re-issue on its way
	friend *card  // somebody whom the person trusts
	trust  string // the relation
}

// in is the scene in another copy of its world.
func (s *scene) in(t *testing.T, w *world) *scene {
	w.now = s.w.now
	c, p := *s.c, *s.p
	c.w, p.w = w, w
	out := &scene{life: life{t: t, w: w, c: &c, p: &p}, trust: s.trust}
	if s.friend != nil {
		friend := *s.friend
		friend.w = w
		out.friend = &friend
	}
	if s.q != nil {
		q := *s.q
		q.w = w
		out.q = &q
	}
	return out
}

func (s *scene) must(steps ...func() error) {
	s.t.Helper()
	for _, step := range steps {
		if err := step(); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *scene) apply() error  { return s.p.apply(s.c, false) }
func (s *scene) enrol() error  { s.p.enrol(s.c); return nil }
func (s *scene) lose() error   { s.suspend(); return nil }
func (s *scene) find() error   { s.resume(); return nil }
func (s *scene) forget() error { s.w.pass(30 * day); return nil }

// begin opens a re-issue and takes it as far as steps go.
func (s *scene) begin(steps ...func(*phone) error) error {
	s.w.pass(time.Minute) // so that it is younger than what it replaces
	s.q = s.p.again(4)
	err := s.q.applyForSign(s.c)
	for _, step := range steps {
		if err == nil {
			err = step(s.q)
		}
	}
	s.p.ctr = s.q.ctr
	return err
}

// tell has the register say something.
func (s *scene) tell(kind ra.EventKind) error {
	_, err := s.c.event(kind)
	return err
}

// other is another phone of the same person, with keys of its own.
func (s *scene) other() *phone { return s.w.newPhone(6) }

func (s *scene) applyOther(replace bool) error { return s.other().apply(s.c, replace) }

func (s *scene) registerOther(q *phone, c *card) error {
	if err := q.apply(c, true); err != nil {
		return err
	}
	if err := q.keys(); err != nil {
		return err
	}
	return q.register()
}

// copied is a check-in by a copy of the element that is some steps behind.
func (s *scene) copied() error {
	c := s.p.checkInClaims()
	c.Ctr -= min(c.Ctr, 3)
	_, err := s.p.sendCheckIn(c)
	return err
}

func (s *scene) used() error { _, err := s.p.checkIn(); return err }

func (s *scene) reset() error {
	s.p.element.ResetCounter++
	_, err := s.p.checkIn()
	return err
}

func (s *scene) stop() error {
	_, err := s.w.ra.Stop(s.t.Context(), s.p.jws(ra.TypeEnrolment, s.p.claims(ra.StepStop), nil))
	return err
}

// states are all states of a phone's pair. of names the constants that a state stands
// for.
var states = []struct {
	name string
	of   string
	make func(s *scene)
}{
	{"none", "", func(s *scene) {}},
	{"applied", "StateApplied", func(s *scene) { s.must(s.apply) }},
	{"issued", "StateIssued Unregistered", func(s *scene) { s.must(s.apply, s.p.keys) }},
	{"registered", "StateRegistered", func(s *scene) { s.must(s.enrol) }},
	{"lost", "Lost", func(s *scene) { s.must(s.enrol, s.lose) }},
	{"silent", "Silent", func(s *scene) { s.must(s.enrol, s.forget) }},
	{"suspected", "Suspected", func(s *scene) { s.must(s.enrol, s.copied) }},
	{"lost, silent and suspected", "", func(s *scene) { s.must(s.enrol, s.forget, s.lose, s.copied) }},
	{"found", "", func(s *scene) { s.must(s.enrol, s.lose, s.find) }},
	{"found, and stopped by code as often as allowed", "", func(s *scene) {
		s.must(s.enrol, s.lose, s.find, s.lose, s.find, s.lose, s.find)
	}},
	{"registered, and the card is lost", "", func(s *scene) { s.must(s.enrol, func() error { return s.tell(ra.EventCardLost) }) }},
	{"moved", "", func(s *scene) { s.must(s.enrol, func() error { return s.tell(ra.EventMoved) }) }},
	{"renewal issued", "", func(s *scene) {
		s.must(s.enrol, func() error {
			s.w.pass(time.Minute)
			s.q = s.p.again(4)
			err := errors.Join(s.q.applyToRenew(s.c), s.q.signKey())
			s.p.ctr = s.q.ctr
			return err
		})
	}},
	{"re-issue applied for", "", func(s *scene) { s.must(s.enrol, s.lose, s.find, func() error { return s.begin() }) }},
	{"re-issue issued", "", func(s *scene) {
		s.must(s.enrol, s.lose, s.find, func() error { return s.begin((*phone).signKey) })
	}},
	{"re-issued", "EndedReissued", func(s *scene) {
		s.must(s.enrol, s.lose, s.find, func() error { return s.begin((*phone).signKey, (*phone).takeOver) })
	}},
	{"found with a re-issue from before", "EndedFound", func(s *scene) {
		s.must(s.enrol, s.lose, s.find, func() error { return s.begin((*phone).signKey) }, s.lose, s.find)
	}},
	{"ended: expired", "EndedExpired", func(s *scene) { s.must(s.apply, s.p.keys); s.w.pass(day) }},
	{"ended: replaced", "EndedReplaced", func(s *scene) {
		s.must(s.apply, s.p.keys, func() error { return s.applyOther(true) })
	}},
	{"ended: replaced while it was being signed", "", func(s *scene) { s.must(s.apply); s.interrupted() }},
	{"ended: superseded", "EndedSuperseded", func(s *scene) {
		s.must(s.enrol, func() error { return s.registerOther(s.w.newPhone(4), s.c) })
	}},
	{"ended: card", "EndedCard", func(s *scene) {
		s.must(s.enrol)
		s.w.issueCard("card-2", hanako(), 4)
		s.must(func() error { return s.tell(ra.EventCardRenewed) })
	}},
	{"ended: died", "EndedDied", func(s *scene) { s.must(s.enrol, func() error { return s.tell(ra.EventDied) }) }},
	{"ended: copied", "EndedCopied", func(s *scene) { s.must(s.enrol, s.copied, s.used, s.copied) }},
	{"ended: emigrated", "EndedEmigrated", func(s *scene) { s.must(s.enrol, func() error { return s.tell(ra.EventEmigrated) }) }},
	{"ended: stopped", "StateEnded EndedStopped", func(s *scene) { s.must(s.enrol, s.stop) }},
	{"ended: silent", "EndedSilent", func(s *scene) { s.must(s.enrol, s.forget, s.forget) }},
	{"ended: held", "EndedHeldTooLong", func(s *scene) { s.must(s.enrol, s.lose, s.forget) }},
	{"ended: element-gone", "EndedElement", func(s *scene) { s.must(s.enrol, s.reset) }},
	{"ended: validity", "EndedValidity", func(s *scene) {
		s.must(s.enrol)
		s.p.live(s.c.issued.NotAfter.Sub(s.w.now) - time.Hour)
		s.w.pass(2 * time.Hour)
	}},
}

// events are all events. of names the constants that an event stands for.
var events = []struct {
	name string
	of   string
	do   func(s *scene) error
}{
	{"the phone applies", "StepApply", (*scene).apply},
	{"another phone applies", "", func(s *scene) error { return s.applyOther(false) }},
	{"another phone applies, to replace what is open", "", func(s *scene) error { return s.applyOther(true) }},
	{"the phone applies for a signature certificate", "", func(s *scene) error { return s.p.again(6).applyForSign(s.c) }},
	{"the phone applies for one whose password is forgotten", "", func(s *scene) error { return s.p.again(6).applyToRenew(s.c) }},
	{"keys", "StepKeys", func(s *scene) error {
		if s.q != nil {
			return s.q.signKey()
		}
		return s.p.keys()
	}},
	{"register [登録する]", "StepRegister", func(s *scene) error {
		if s.q != nil {
			return s.q.takeOver()
		}
		if s.p.applied.LockCodeSalt == nil { // not even applied: an answer of its own making
			s.p.applied = ra.Applied{LockCodeSalt: make([]byte, 16), LockCodeCost: ra.LockCost{TimeCost: 1, MemoryKiB: 8, Threads: 1}}
		}
		return s.p.register()
	}},
	{"show", "StepShow", func(s *scene) error { _, err := s.p.show(); return err }},
	{"another phone is registered", "", func(s *scene) error { return s.registerOther(s.other(), s.c) }},
	{"somebody else registers the element", "", func(s *scene) error {
		q := s.other()
		q.element = s.p.element
		keys := manyKeys(s.t)[10:]
		taro := &card{w: s.w, id: "card-9", person: resident("taro", "手形　太郎", time.Date(1970, 5, 5, 0, 0, 0, 0, time.UTC)), auth: keys[0], sign: keys[1]}
		s.must(taro.issue)
		return s.registerOther(q, taro)
	}},
	{"a check-in", "StepCheckIn", func(s *scene) error { _, err := s.p.checkIn(); return err }},
	{"a check-in after an unlock", "", func(s *scene) error {
		s.w.pass(time.Minute)
		s.p.unlocked = s.w.now
		_, err := s.p.checkIn()
		return err
	}},
	{"a check-in whose counter went back", "", (*scene).copied},
	{"check-ins by two copies, by turns", "", func(s *scene) error {
		if err := s.copied(); err != nil {
			return err
		}
		if err := s.used(); err != nil {
			return err
		}
		return s.copied()
	}},
	{"a check-in whose reset counter moved", "", (*scene).reset},
	{"a check-in with the boot loader open", "", func(s *scene) error {
		c := s.p.checkInClaims()
		c.VerifiedBoot, c.DeviceLocked = attest.BootUnverified.String(), new(false)
		_, err := s.p.sendCheckIn(c)
		return err
	}},
	{"lost, by lock code [紛失]", "ByLockCode", func(s *scene) error {
		_, err := s.w.ra.Suspend(s.t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(s.p)}, "198.51.100.7")
		return err
	}},
	{"lost, by card [紛失]", "ByCard WordSuspend", func(s *scene) error {
		_, err := s.w.ra.Suspend(s.t.Context(), ra.Suspension{Word: s.c.says(s.p, s.c.word(nil, ra.WordSuspend))}, "")
		return err
	}},
	{"lost, by somebody trusted [紛失]", "ByTrusted", func(s *scene) error { return s.w.stopFor(s.friend, s.trust) }},
	{"lost, at the portal [紛失]", "ByHolder", func(s *scene) error { return s.w.suspendAtPortal(s.t.Context(), s.c) }},
	{"lost, by a call to the helpdesk [紛失]", "ByHelpdesk", func(s *scene) error { return s.w.suspendByCall(s.t.Context(), s.c) }},
	{"a support number is made", "StepSupport", func(s *scene) error { _, err := s.p.makeNumber(); return err }},
	{"found [見つかった]", "StepResume WordResume", func(s *scene) error {
		_, err := s.p.sendResume(s.p.resumeClaims(s.c.says(s.p, s.c.word(s.p, ra.WordResume))))
		return err
	}},
	{"the holder stops [利用停止]", "StepStop", (*scene).stop},
	{"given up by card [スマホを手放す]", "WordRevoke", func(s *scene) error {
		_, err := s.w.ra.StopByCard(s.t.Context(), s.c.says(s.p, s.c.word(nil, ra.WordRevoke)))
		return err
	}},
	{"notices shall go elsewhere [お知らせの送り先]", "WordChangeContact", func(s *scene) error {
		_, err := s.w.ra.ChangeContact(s.t.Context(), s.c.toContact(s.p, newAddress))
		return err
	}},
	{"the present address is entered while another waits", "", func(s *scene) error {
		present, err := s.w.hasAddress(s.c.person.ID)
		if err != nil {
			return err
		}
		if _, err := s.w.ra.ChangeContact(s.t.Context(), s.c.toContact(s.p, newAddress)); err != nil {
			return err
		}
		_, err = s.w.ra.ChangeContact(s.t.Context(), s.c.toContact(s.p, present))
		return err
	}},
	{"that is taken back", "WordKeepContact", func(s *scene) error {
		if _, err := s.w.ra.ChangeContact(s.t.Context(), s.c.toContact(s.p, newAddress)); err != nil {
			return err
		}
		return s.c.keepContact(s.p)
	}},
	{"an order to stop arrives late", "StepStopLate", func(s *scene) error {
		order := s.p.jws(ra.TypeEnrolment, s.p.claims(ra.StepStopLate), nil)
		s.w.now = s.w.now.Add(time.Hour)
		_, err := s.w.ra.Stop(s.t.Context(), order)
		return err
	}},
	{"an order to stop arrives after the word of a copy", "", func(s *scene) error {
		order := s.p.jws(ra.TypeEnrolment, s.p.claims(ra.StepStopLate), nil)
		_, _ = s.p.checkIn() // refused where nothing is registered
		_, err := s.w.ra.Stop(s.t.Context(), order)
		return err
	}},
	{"the phone asks for a receipt", "StepReceipt", func(s *scene) error {
		_, err := s.w.ra.Stop(s.t.Context(), s.p.jws(ra.TypeEnrolment, s.p.claims(ra.StepReceipt), nil))
		return err
	}},
	{"moved", "EventMoved", func(s *scene) error { return s.tell(ra.EventMoved) }},
	{"name changed", "EventNameChanged", func(s *scene) error { return s.tell(ra.EventNameChanged) }},
	{"died", "EventDied", func(s *scene) error { return s.tell(ra.EventDied) }},
	{"emigrated", "EventEmigrated", func(s *scene) error { return s.tell(ra.EventEmigrated) }},
	{"a move is announced", "EventAnnounced", func(s *scene) error { return s.tell(ra.EventAnnounced) }},
	{"the card gets a new signature certificate", "", func(s *scene) error {
		s.c.person = s.newer().person // as the register has it
		return s.c.reissueWith("sign-2", manyKeys(s.t)[12])
	}},
	{"the card is lost", "EventCardLost", func(s *scene) error { return s.tell(ra.EventCardLost) }},
	{"the card is found", "EventCardFound", func(s *scene) error { return s.tell(ra.EventCardFound) }},
	{"the card is revoked", "EventCardRevoked", func(s *scene) error { return s.tell(ra.EventCardRevoked) }},
	{"a new card is made", "", func(s *scene) error { return s.newer().issue() }},
	{"a new card is made and handed over", "EventCardRenewed", func(s *scene) error {
		if err := s.newer().issue(); err != nil {
			return err
		}
		return s.tell(ra.EventCardRenewed)
	}},
	{"a day passes", "timedExpire timedSweep", func(s *scene) error { s.w.pass(day); return nil }},
	{"20 days pass", "timedWarn", func(s *scene) error { s.w.pass(20 * day); return nil }},
	{"30 days pass", "timedSilent timedHeldStill timedRevoke", func(s *scene) error { s.w.pass(30 * day); return nil }},
	{"60 days pass", "", func(s *scene) error { s.w.pass(60 * day); return nil }},
	{"it is used until its certificates expire", "timedEndsSoon timedOver", func(s *scene) error {
		for s.w.now.Before(s.c.issued.NotAfter) {
			s.w.pass(min(19*day, s.c.issued.NotAfter.Sub(s.w.now)))
			s.p.unlocked = s.w.now
			if _, err := s.p.checkIn(); err != nil {
				return nil // there is nobody left to use it
			}
		}
		return nil
	}},
}

// newer is another card of the person, who is whom the register knows.
func (s *scene) newer() *card {
	q, person := s.other(), s.c.person
	err := s.w.store.Read(s.t.Context(), func(tx ra.Tx) error {
		p, err := tx.Person(s.t.Context(), person.ID)
		person.Attributes = p.Attributes
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return &card{w: s.w, id: "card-8", person: person, auth: q.auth, sign: q.sign}
}

// interrupted: the issuer dies when both certificates are signed and the enrolment does
// not know of them yet, and somebody else has replaced it meanwhile.
func (s *scene) interrupted() {
	s.t.Helper()
	dying, err := ra.New(ra.Config{URL: issuerURL, Arc: pki.SandboxArc(), Policy: s.w.policy, Terms: s.w.ra.Terms(), Key: s.w.key, LockCost: secret.TestCost()},
		s.w.store, dyingAuthority{s.w.ca, func() { s.must(func() error { return s.applyOther(true) }) }}, func() time.Time { return s.w.now }, ra.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	claims := s.p.keyClaims()
	if _, err := dying.Keys(s.t.Context(), s.p.id, s.p.jws(ra.TypeEnrolment, claims, nil)); !errors.Is(err, errDied) {
		s.t.Fatal(err)
	}
}

var errDied = errors.New("the issuer died")

type dyingAuthority struct {
	*ca.CA
	before func()
}

func (d dyingAuthority) IssueAll(ctx context.Context, who audit.Actor, drafts ...*ca.Draft) ([]*x509.Certificate, error) {
	d.before()
	if _, err := d.CA.IssueAll(ctx, who, drafts...); err != nil {
		return nil, err
	}
	return nil, errDied
}

// stands says in words where everything stands: the phone and its pair, a re-issue, and
// the card where it is not good.
func (s *scene) stands() string {
	s.t.Helper()
	ctx := s.t.Context()
	var words []string
	add := func(name string, state string, certs ...ra.CertificateRecord) {
		for _, c := range certs {
			e, err := s.w.ledger.State(ctx, c.Kind, c.Serial)
			switch {
			case errors.Is(err, status.ErrUnknown):
				continue
			case err != nil:
				s.t.Fatal(err)
			}
			state += ", " + inWords(e)
			if s.w.now.After(e.NotAfter) && e.Status != status.Revoked {
				state += " and expired"
			}
		}
		words = append(words, name+state)
	}
	err := s.w.store.Read(ctx, func(tx ra.Tx) error {
		enrolment := func(name, id string) error {
			e, err := tx.Enrolment(ctx, id)
			if errors.Is(err, ra.ErrNotFound) {
				words = append(words, name+"none")
				return nil
			}
			if err != nil {
				return err
			}
			state := string(e.State)
			if e.State == ra.StateEnded {
				state += " " + string(e.Ended)
			}
			certs, err := tx.CertificatesFor(ctx, id)
			slices.SortStableFunc(certs, func(a, b ra.CertificateRecord) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
			add(name, state, certs...)
			return err
		}
		if err := enrolment("", s.p.id); err != nil {
			return err
		}
		if s.q != nil {
			if err := enrolment("re-issue ", s.q.id); err != nil {
				return err
			}
		}
		card, err := tx.Card(ctx, s.c.id)
		add("card", "", ra.CertificateRecord{Kind: pki.CardAuth, Serial: card.AuthSerial}, ra.CertificateRecord{Kind: pki.CardSign, Serial: card.SignSerial})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if last := len(words) - 1; words[last] == "card, good, good" {
		words = words[:last]
	}
	return strings.Join(words, "; ")
}

// outcome carries an event out and says what came of it.
func (s *scene) outcome(do func(*scene) error) (outcome string, again bool) {
	s.t.Helper()
	before, heard := s.stands(), s.heard()
	err := do(s)
	after := s.stands()
	var told []string
	for kind, n := range s.heard() {
		if n -= heard[kind]; n > 1 {
			told = append(told, fmt.Sprintf("%s ×%d", kind, n))
		} else if n == 1 {
			told = append(told, string(kind))
		}
	}
	slices.Sort(told)
	if err != nil {
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || before != after || len(told) > 0 {
			s.t.Errorf("refused with %v, and yet %q became %q, and was told %v", err, before, after, told)
			return err.Error(), false
		}
		outcome = "refused: " + p.Code
		if why := p.Extra["ended"]; why != nil {
			outcome += fmt.Sprintf(" (%s)", why)
		}
		return outcome, true
	}
	outcome = "→ " + after
	if before == after {
		outcome = "nothing changes"
	}
	if len(told) > 0 {
		outcome += "; told: " + strings.Join(told, ", ")
	}
	return outcome, false
}

func (s *scene) heard() map[ra.NoticeKind]int {
	s.t.Helper()
	all := map[ra.NoticeKind]int{}
	for _, kind := range s.w.notices() {
		all[kind]++
	}
	return all
}

func TestEveryEventInEveryState(t *testing.T) {
	var stand []string
	outcomes := make([]map[string][]string, len(events)) // by event: the states of an outcome
	for i := range outcomes {
		outcomes[i] = map[string][]string{}
	}
	for _, state := range states {
		rest := quickDir(t)
		at := &scene{life: life{t: t, w: worldAt(t, rest)}}
		at.c = at.w.issueCard("card-1", hanako(), 0)
		at.p = at.w.newPhone(2)
		at.friend = at.w.friend(0)
		at.trust = at.w.trust(at.c, at.friend)
		state.make(at)
		stand = append(stand, at.stands())
		if err := at.w.db.Close(); err != nil {
			t.Fatal(err)
		}
		var s *scene
		for i, event := range events {
			if s == nil {
				w := copied(t, rest)
				t.Cleanup(w.end)
				s = at.in(t, w)
			}
			outcome, again := s.in(t, s.w).outcome(event.do)
			outcomes[i][outcome] = append(outcomes[i][outcome], state.name)
			if !again {
				if err := s.w.db.CheckAudit(t.Context()); err != nil {
					t.Errorf("%s, %s: %v", state.name, event.name, err)
				}
				s.w.end()
				s = nil
			}
		}
	}

	var b strings.Builder
	b.WriteString("# Every event in every state\n\nWritten by the test of the same name with -update. A pair is given as its authentication certificate, its signature\n" +
		"certificate; each with a reason (RFC 5280) or the causes of its holds.\n\n| state | that is |\n|---|---|\n")
	for i, state := range states {
		fmt.Fprintf(&b, "| %s | %s |\n", state.name, stand[i])
	}
	for i, event := range events {
		fmt.Fprintf(&b, "\n## %s\n| from | outcome |\n|---|---|\n", event.name)
		for _, state := range states {
			for outcome, from := range outcomes[i] {
				if from[0] == state.name {
					fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(from, " · "), outcome)
				}
			}
		}
	}
	file := filepath.Join("testdata", "every.md")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); d != "" {
		t.Errorf("%s says otherwise (-it +the authority):\n%s", file, d)
	}
}

// Whoever adds a state, a cause, a step, an event or a timed rule adds it to the tables
// above, or this fails.
func TestNoEventAndNoStateIsForgotten(t *testing.T) {
	var covered []string
	for _, s := range states {
		covered = append(covered, strings.Fields(s.of)...)
	}
	for _, e := range events {
		covered = append(covered, strings.Fields(e.of)...)
	}
	var known []string
	for _, dir := range []string{".", "../status"} {
		known = append(known, constantsOf(t, dir, "State", "EndReason", "StepName", "EventKind", "Way", "WordPurpose", "timed", "Cause")...)
	}
	slices.Sort(covered)
	slices.Sort(known)
	if d := cmp.Diff(known, covered); d != "" {
		t.Errorf("constants and tables differ (-constants +tables):\n%s", d)
	}
}

// constantsOf are the names of the constants of these types in the package in dir.
func constantsOf(t *testing.T, dir string, types ...string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			block, ok := decl.(*ast.GenDecl)
			if !ok || block.Tok != token.CONST {
				continue
			}
			kind := ""
			for _, spec := range block.Specs {
				value := spec.(*ast.ValueSpec)
				if id, ok := value.Type.(*ast.Ident); ok {
					kind = id.Name
				} else if len(value.Values) > 0 {
					kind = "" // a constant of its own; one with neither is of the type above it
				}
				if slices.Contains(types, kind) {
					for _, name := range value.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}
