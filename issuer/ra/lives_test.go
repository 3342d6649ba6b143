package ra_test

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/issuer/ra"
)

// Random lives: three people, their cards and phones, and an authority, to whom
// anything may happen in any order. After each deed the whole of what is kept is held
// against what must always be true (laws_test.go). A deed is data, so that a sequence
// that breaks a law can be played again and made shorter.

// deed is one thing that happens.
type deed struct {
	what string
	who  int // of the three
	n    int // chooses a phone, a card, a variant
}

func (d deed) do() func(s *story, who *soul, n int) error {
	for _, known := range deeds {
		if known.what == d.what {
			return known.do
		}
	}
	return func(*story, *soul, int) error { return fmt.Errorf("there is no deed %q", d.what) }
}

func (d deed) String() string { return fmt.Sprintf("{%q, %d, %d},", d.what, d.who, d.n) }

// soul is one of the three.
type soul struct {
	person ra.Person
	cards  []*card
	phones []*device
	trust  string // the relation with the next of the three, "" when there is none yet
	now    string // the registered phone's id, "" when there is none
}

// device is a phone, or the same phone under the id of a re-issue.
type device struct {
	*phone
	chip  *chip
	by    *card   // whose application it is
	of    *device // for a re-issue: the phone
	again func() error
}

// chip is what the enrolments on one element share.
type chip struct{ ctr uint64 }

// story is a sequence being played.
type story struct {
	w      *world
	people []*soul
	keys   int                   // used so far
	burnt  []pki.Serial          // signature certificates that were on hold when their phone was resumed
	cardOf map[pki.Serial]string // by whose application a signature certificate was issued
}

// errNothing: there is nothing that this deed could be done with.
var errNothing = errors.New("nothing to do it with")

// deeds are all deeds, how often each happens, and what it is.
var deeds = []struct {
	what  string
	often int
	do    func(s *story, who *soul, n int) error
}{
	{"some minutes pass", 4, func(s *story, _ *soul, n int) error { return s.pass(time.Duration(1+n%50) * time.Minute) }},
	{"hours pass", 4, func(s *story, _ *soul, n int) error { return s.pass(time.Duration(1+n%30) * time.Hour) }},
	{"days pass", 6, func(s *story, _ *soul, n int) error { return s.pass(time.Duration(1+n%12) * day) }},
	{"a month passes", 1, func(s *story, _ *soul, n int) error { return s.pass(time.Duration(28+n%4) * day) }},
	{"the issuer starts again", 1, func(s *story, _ *soul, _ int) error { return s.w.reopen(s.w.t.Context()) }},

	{"a phone is enrolled", 5, func(s *story, who *soul, n int) error {
		d, err := s.newDevice(who, n)
		if err != nil {
			return err
		}
		d.unlocked = s.w.now
		if err := s.apply(who, d, n); err != nil {
			return err
		}
		if err := s.getCertificates(d); err != nil {
			return err
		}
		return s.use(d, d.register)
	}},
	{"a phone applies", 2, func(s *story, who *soul, n int) error {
		d, err := s.newDevice(who, n)
		if err != nil {
			return err
		}
		return s.apply(who, d, n)
	}},
	{"a phone of somebody else's applies", 1, func(s *story, who *soul, n int) error {
		d, err := s.newDevice(who, n)
		if err != nil {
			return err
		}
		if from := s.people[n%len(s.people)].phone(n); from != nil {
			d.element, d.chip = from.element, from.chip
		}
		return s.apply(who, d, n)
	}},
	{"a phone asks for a signature certificate", 8, func(s *story, who *soul, n int) error {
		_, err := s.askForSign(who, n)
		return err
	}},
	{"a phone gets a signature certificate", 8, func(s *story, who *soul, n int) error {
		d, err := s.askForSign(who, n)
		if err != nil {
			return err
		}
		if err := s.getCertificates(d); err != nil {
			return err
		}
		return s.use(d, d.takeOver)
	}},
	{"keys", 4, func(s *story, who *soul, n int) error {
		if d := who.phone(n); d != nil {
			return s.getCertificates(d)
		}
		return errNothing
	}},
	{"register", 4, func(s *story, who *soul, n int) error {
		d := who.phone(n)
		switch {
		case d == nil || d.applied.LockCodeSalt == nil:
			return errNothing
		case d.of != nil:
			return s.use(d, d.takeOver)
		}
		return s.use(d, d.register)
	}},
	{"the last message again", 4, func(s *story, who *soul, n int) error {
		d := who.phone(n)
		if d == nil || d.again == nil {
			return errNothing
		}
		return d.again()
	}},

	{"checks in", 5, func(s *story, who *soul, n int) error { return s.checkIn(who.phone(n), func(*ra.CheckInClaims) {}) }},
	{"unlocks and checks in", 8, func(s *story, who *soul, n int) error {
		if d := who.phone(n); d != nil {
			d.unlocked = s.w.now
		}
		return s.checkIn(who.phone(n), func(*ra.CheckInClaims) {})
	}},
	{"a copy checks in", 2, func(s *story, who *soul, n int) error {
		return s.checkIn(who.phone(n), func(c *ra.CheckInClaims) { c.Ctr -= min(c.Ctr, uint64(1+n%4)) })
	}},
	{"an opened phone checks in", 1, func(s *story, who *soul, n int) error {
		return s.checkIn(who.phone(n), func(c *ra.CheckInClaims) { c.VerifiedBoot = "self-signed" })
	}},
	{"a phone is reset", 1, func(s *story, who *soul, n int) error {
		if d := who.phone(n); d != nil {
			d.element.ResetCounter++
		}
		return s.checkIn(who.phone(n), func(*ra.CheckInClaims) {})
	}},

	{"lost, by lock code", 5, func(s *story, who *soul, n int) error {
		d := who.phone(n)
		if d == nil {
			return errNothing
		}
		birth, err := who.person.Attributes.Birth()
		if err != nil {
			return err
		}
		_, err = s.w.ra.Suspend(s.w.t.Context(), ra.Suspension{BirthDate: birth.Format(time.DateOnly), LockCode: digits(d.phone)}, randomID())
		return err
	}},
	{"lost, at the portal", 2, func(s *story, who *soul, n int) error { return s.lostAtPortal(who, n) }},
	{"lost, by somebody trusted", 1, func(s *story, who *soul, n int) error { return s.lostByTrusted(who, n) }},
	{"lost, by card", 3, func(s *story, who *soul, n int) error { return s.lostByCard(who, n) }},
	{"lost and found", 6, func(s *story, who *soul, n int) error {
		if err := s.lostByCard(who, n); err != nil {
			return err
		}
		return s.found(who, n)
	}},
	{"lost, found, and given a signature certificate", 4, func(s *story, who *soul, n int) error {
		if err := s.lostByCard(who, n); err != nil {
			return err
		}
		if err := s.found(who, n); err != nil {
			return err
		}
		d, err := s.askForSign(who, n)
		if err != nil {
			return err
		}
		if err := s.getCertificates(d); err != nil {
			return err
		}
		return s.use(d, d.takeOver)
	}},
	{"found", 8, func(s *story, who *soul, n int) error { return s.found(who, n) }},
	{"stops", 1, func(s *story, who *soul, n int) error {
		d := who.phone(n)
		if d == nil {
			return errNothing
		}
		return s.send(d, func() func() error {
			step := d.jws(ra.TypeEnrolment, d.claims(ra.StepStop), nil)
			return func() error { _, err := s.w.ra.Stop(s.w.t.Context(), step); return err }
		})
	}},

	{"moved", 1, func(s *story, who *soul, n int) error {
		if n%3 > 0 { // not so often: without a new card there is little to do afterwards
			return errNothing
		}
		a := who.person.Attributes
		a.Address = fmt.Sprintf("東京都見本区%d丁目9番9号", n)
		a.AddressSubstitution = pki.NoSubstitution(a.Address)
		err := s.tell(ra.RegisterEvent{Person: who.person.ID, Kind: ra.EventMoved, Attributes: &a})
		if err == nil {
			who.person.Attributes = a
		}
		return err
	}},
	{"died", 1, func(s *story, who *soul, n int) error {
		if n%4 > 0 { // not so often
			return errNothing
		}
		return s.tell(ra.RegisterEvent{Person: who.person.ID, Kind: ra.EventDied})
	}},
	{"emigrated", 1, func(s *story, who *soul, n int) error {
		if n%8 > 0 {
			return errNothing
		}
		return s.tell(ra.RegisterEvent{Person: who.person.ID, Kind: ra.EventEmigrated})
	}},
	{"a card gets a new signature certificate", 4, func(s *story, who *soul, n int) error {
		c, key := who.card(n), s.key()
		if key == nil {
			return errNothing
		}
		c.person = who.person
		return c.reissueWith(randomID(), key)
	}},
	{"a new card is made", 2, func(s *story, who *soul, n int) error {
		return s.makeCard(who)
	}},
	{"a new card is made and handed over", 2, func(s *story, who *soul, n int) error {
		if err := s.makeCard(who); err != nil {
			return err
		}
		return s.tell(ra.RegisterEvent{Person: who.person.ID, Kind: ra.EventCardRenewed})
	}},
	{"a new card is handed over", 1, func(s *story, who *soul, n int) error {
		return s.tell(ra.RegisterEvent{Person: who.person.ID, Kind: ra.EventCardRenewed, Card: who.card(n).id})
	}},
	{"a card is lost", 1, func(s *story, who *soul, n int) error {
		return s.tell(ra.RegisterEvent{Person: who.person.ID, Kind: ra.EventCardLost, Card: who.card(n).id})
	}},
	{"a card is found", 3, func(s *story, who *soul, n int) error {
		return s.tell(ra.RegisterEvent{Person: who.person.ID, Kind: ra.EventCardFound, Card: who.card(n).id})
	}},
	{"a card is revoked", 1, func(s *story, who *soul, n int) error {
		if n%5 > 2 {
			return errNothing
		}
		which := []pki.Kind{"", pki.CardSign}[n%2]
		return s.tell(ra.RegisterEvent{Person: who.person.ID, Kind: ra.EventCardRevoked, Card: who.card(n).id, Certificate: which})
	}},
}

func (s *story) pass(d time.Duration) error {
	s.w.pass(d)
	return nil
}

func (s *story) tell(ev ra.RegisterEvent) error {
	ev.ID = randomID()
	_, err := s.w.ra.RegisterEvent(s.w.t.Context(), "city", ev)
	return err
}

// phone and card choose one: the registered phone rather than another, and the latest
// rather than an old one.
func (who *soul) phone(n int) *device {
	for _, d := range who.phones {
		if d.id == who.now && n/8%2 > 0 {
			return d
		}
	}
	return latest(who.phones, n)
}

func (who *soul) card(n int) *card { return latest(who.cards, n/8) }

func latest[T any](list []T, n int) (one T) {
	if len(list) == 0 {
		return one
	}
	return list[max(0, len(list)-1-[]int{0, 0, 0, 0, 0, 1, 1, 2}[n%8])]
}

// newDevice is a phone nobody has seen yet, about to apply with one of the cards.
func (s *story) newDevice(who *soul, n int) (*device, error) {
	auth, sign := s.key(), s.key()
	if sign == nil {
		return nil, errNothing
	}
	return &device{phone: s.w.newPhoneWith(auth, sign), chip: &chip{}, by: who.card(n)}, nil
}

// apply sends the application of a phone that the person has from then on, if it was
// accepted.
func (s *story) apply(who *soul, d *device, n int) error {
	err := s.use(d, func() error { return d.phone.apply(d.by, n%3 > 0) })
	if err == nil {
		who.phones = append(who.phones, d)
	}
	return err
}

// getCertificates sends the keys of a phone, or of a re-issue.
func (s *story) getCertificates(d *device) error {
	had, send := d.issued, d.keys
	if d.of != nil {
		send = d.signKey
	}
	if err := s.use(d, send); err != nil {
		d.issued = had
		return err
	}
	leaf, err := x509.ParseCertificate(d.issued.Certificates.Sign)
	if err == nil {
		s.cardOf[pki.SerialOf(leaf)] = d.by.id
	}
	return err
}

func (s *story) makeCard(who *soul) error {
	c := &card{w: s.w, id: randomID(), person: who.person, auth: s.key(), sign: s.key()}
	if c.sign == nil {
		return errNothing
	}
	err := c.issue()
	if err == nil {
		who.cards = append(who.cards, c)
	}
	return err
}

// askForSign has one of the phones apply for a signature certificate alone.
func (s *story) askForSign(who *soul, n int) (*device, error) {
	base := who.phone(n)
	key := s.key()
	if base == nil || key == nil {
		return nil, errNothing
	}
	if base.of != nil {
		base = base.of
	}
	d := &device{phone: base.phone.again(0), chip: base.chip, by: who.card(n), of: base}
	d.sign, d.cms = key, d.signFor(d.by)
	return d, s.apply(who, d, n)
}

// use does something with the chip's own counter.
func (s *story) use(d *device, do func() error) error {
	d.ctr = d.chip.ctr
	defer func() { d.chip.ctr = max(d.chip.ctr, d.ctr) }()
	d.phone.w = s.w
	return do()
}

// send makes a message, sends it, and keeps it for "the last message again".
func (s *story) send(d *device, message func() func() error) error {
	return s.use(d, func() error {
		d.again = message()
		return d.again()
	})
}

func (s *story) checkIn(d *device, change func(*ra.CheckInClaims)) error {
	if d == nil {
		return errNothing
	}
	return s.send(d, func() func() error {
		c := d.checkInClaims()
		change(&c)
		step := d.jws(ra.TypeCheckIn, c, nil)
		return func() error { _, err := s.w.ra.CheckIn(s.w.t.Context(), step); return err }
	})
}

func (s *story) lostByCard(who *soul, n int) error {
	d := who.phone(n)
	if d == nil {
		return errNothing
	}
	c := who.card(n)
	_, err := s.w.ra.Suspend(s.w.t.Context(), ra.Suspension{Word: c.says(d.phone, c.word(nil, ra.WordSuspend))}, "")
	return err
}

func (s *story) lostAtPortal(who *soul, n int) error {
	if who.phone(n) == nil {
		return errNothing
	}
	return s.w.suspendAtPortal(s.w.t.Context(), who.card(n))
}

// lostByTrusted is the next of the three stopping a phone, whom this one trusts.
func (s *story) lostByTrusted(who *soul, n int) error {
	next := s.people[(slices.Index(s.people, who)+1)%len(s.people)]
	if who.trust == "" {
		who.trust = s.w.trust(who.card(0), next.card(0))
	}
	return s.w.stopFor(next.card(n), who.trust)
}

// found resumes a phone; which signature certificates must never be good again from
// then on is noted for the laws.
func (s *story) found(who *soul, n int) error {
	d := who.phone(n)
	if d == nil {
		return errNothing
	}
	before := s.kept()
	c := who.card(n)
	err := s.send(d, func() func() error {
		step := d.jws(ra.TypeCheckIn, d.resumeClaims(c.says(d.phone, c.word(d.phone, ra.WordResume))), nil)
		return func() error { _, err := s.w.ra.Resume(s.w.t.Context(), step); return err }
	})
	if err != nil {
		return err
	}
	for serial, cert := range before.certs {
		if cert.Kind == pki.PhoneSign && cert.person == who.person.ID && len(cert.Holds) > 0 {
			s.burnt = append(s.burnt, serial)
		}
	}
	return nil
}

// key is an RSA key that this story has not used yet; nil when there is none left.
func (s *story) key() *rsa.PrivateKey {
	keys := manyKeys(s.w.t)
	if s.keys == len(keys) {
		return nil
	}
	s.keys++
	return keys[s.keys-1]
}

// manyKeys are 120 keys of 2048 bits without drawing one: each two of the 16 primes of
// the pool make another modulus.
func manyKeys(t testing.TB) []*rsa.PrivateKey {
	t.Helper()
	mixed.Do(func() {
		var primes []*big.Int
		for i := range 8 {
			primes = append(primes, pkitest.Key(t, i).Primes...)
		}
		for i, p := range primes {
			for _, q := range primes[:i] {
				mixedKeys = append(mixedKeys, keyOf(t, p, q))
			}
		}
	})
	return mixedKeys
}

var (
	mixed     sync.Once
	mixedKeys []*rsa.PrivateKey
)

func keyOf(t testing.TB, p, q *big.Int) *rsa.PrivateKey {
	t.Helper()
	less := func(x *big.Int) *big.Int { return new(big.Int).Sub(x, big.NewInt(1)) }
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, Primes: []*big.Int{p, q}}
	key.D = new(big.Int).ModInverse(big.NewInt(int64(key.E)), new(big.Int).Mul(less(p), less(q)))
	key.Precompute()
	if err := key.Validate(); err != nil || key.N.BitLen() != 2048 {
		t.Fatalf("a key of %d bits: %v", key.N.BitLen(), err)
	}
	return key
}

// begin is a world of three people with a card each, two of them born on one day. end
// leaves nothing of it.
func begin(t *testing.T) (s *story, end func()) {
	t.Helper()
	template, err := fresh()
	if err != nil {
		t.Fatal(err)
	}
	s = &story{w: copied(t, template), cardOf: map[pki.Serial]string{}}
	for i, name := range []string{"手形　花子", "手形　次郎", "手形　太郎"} {
		p := resident(fmt.Sprint("person-", i), name, time.Date(1980-i/2, 2, 17, 0, 0, 0, 0, time.UTC))
		c := &card{w: s.w, id: randomID(), person: p, auth: s.key(), sign: s.key()}
		if err := c.issue(); err != nil {
			t.Fatal(err)
		}
		s.people = append(s.people, &soul{person: p, cards: []*card{c}})
	}
	return s, s.w.end
}

const perStory = 100 // deeds

// imagine makes a sequence of deeds.
func imagine(seed uint64) []deed {
	random := rand.New(rand.NewPCG(seed, 11))
	all := 0
	for _, d := range deeds {
		all += d.often
	}
	var list []deed
	for range perStory {
		at := random.IntN(all)
		for _, d := range deeds {
			if at -= d.often; at < 0 {
				// The first of the three has most of the adventures, so that they are long ones.
				list = append(list, deed{d.what, max(0, random.IntN(6)-3), random.IntN(1000)})
				break
			}
		}
	}
	return list
}

// play plays deeds in a world of their own. It returns the number of the deed after
// which a law was broken, and how; -1 when none was.
func play(t *testing.T, list []deed, done map[string]int) (int, string) {
	t.Helper()
	s, end := begin(t)
	defer end()
	before := s.kept()
	for i, d := range list {
		err := d.do()(s, s.people[d.who], d.n)
		if refused, ok := errors.AsType[*problem.Problem](err); ok {
			done["- "+refused.Code]++
		} else if err == nil {
			done[d.what]++
		}
		if broken := refusal(err); broken != "" {
			return i, broken
		}
		now := s.kept()
		for _, who := range s.people {
			who.now = now.people[who.person.ID].Phone
		}
		if broken := s.laws(before, now); broken != "" {
			return i, broken
		}
		if i%40 == 39 {
			s.w.pass(31 * time.Second)
			now = s.kept()
			if broken := s.projections(now); broken != "" {
				return i, broken
			}
		}
		before = now
	}
	if err := s.w.db.CheckAudit(t.Context()); err != nil {
		return len(list) - 1, err.Error()
	}
	return -1, ""
}

// refusal says what is wrong with an error: only refusals with a reason are right.
func refusal(err error) string {
	if err == nil || errors.Is(err, errNothing) {
		return ""
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok && (p.Kind == problem.Refused || p.Kind == problem.YourTurn) {
		return ""
	}
	return fmt.Sprintf("not a refusal: %v", err)
}

// shorter leaves deeds out as long as a law is still broken.
func shorter(t *testing.T, list []deed) ([]deed, string) {
	t.Helper()
	i, why := play(t, list, map[string]int{})
	list = list[:i+1]
	for size := len(list) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(list); {
			without := slices.Concat(list[:at], list[at+size:])
			if i, broken := play(t, without, map[string]int{}); i >= 0 {
				list, why = without[:i+1], broken
			} else {
				at += size
			}
		}
	}
	return list, why
}

// TEGATA_SEED plays one story again; TEGATA_SOAK plays a hundred thousand deeds.
func TestRandomLives(t *testing.T) {
	first, stories := uint64(1), uint64(20)
	if os.Getenv("TEGATA_SOAK") != "" {
		first, stories = rand.Uint64()>>1, 100_000/perStory
	}
	if seed := os.Getenv("TEGATA_SEED"); seed != "" {
		n, err := strconv.ParseUint(seed, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, stories = n, 1
	}
	t.Logf("%d stories of %d deeds, seeds from %d on", stories, perStory, first)
	done := map[string]int{}
	for seed := first; seed < first+stories; seed++ {
		list := imagine(seed)
		if i, broken := play(t, list, done); i >= 0 {
			short, why := shorter(t, list)
			if why == "" {
				short, why = list[:i+1], broken
			}
			var words strings.Builder
			for _, d := range short {
				fmt.Fprintf(&words, "\t%v\n", d)
			}
			t.Fatalf("TEGATA_SEED=%d: %s; shortest:\n%s", seed, why, words.String())
		}
	}
	if stories < 10 {
		return
	}
	for _, d := range deeds {
		if done[d.what] == 0 {
			t.Errorf("%q was never done: the sequences do not reach it", d.what)
		}
	}
	t.Log(done)
}
