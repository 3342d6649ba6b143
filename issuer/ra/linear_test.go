package ra_test

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

// Issue, hold, resume, revoke and verify of one phone's pair, by several clients at
// once and with the real messages: whatever they were told, one clerk could have said
// it to one after the other. Package status does the same for one certificate. A verifier
// that follows the change feed is not among them: it may be a poll behind, which has a
// bound in time (tegata bench suspension) and no order.

// folder is what the clerk knows of the phone.
type folder struct {
	registered, lost, resumed, ended bool
	ctr                              uint64
	stops                            int // by code, of a good phone; no history lasts a week
}

// letter is what a client sends.
type letter struct {
	what string // register, lose, resume, stop, or the certificate to look at
	ctr  uint64
}

func (l letter) String() string { return strings.TrimSuffix(fmt.Sprint(l.what, " ", l.ctr), " 0") }

// serve is the clerk's work.
func (f folder) serve(l letter) (string, folder) {
	switch l.what {
	case "register":
		switch {
		case f.ended:
			return ra.CodeEnrolmentEnded, f
		case f.registered:
			return "done", f
		case l.ctr <= f.ctr:
			return ra.CodeElementSuspected, f
		}
		f.registered, f.ctr = true, l.ctr
		return "done", f
	case "lose":
		if !f.registered || f.ended {
			return ra.CodeLockCodeWrong, f
		}
		if !f.lost {
			if f.stops == ra.SuspensionsAllowed {
				return ra.CodeSuspensionLimit, f
			}
			f.stops++
		}
		f.lost = true
		return "done", f
	case "resume":
		switch {
		case f.ended:
			return ra.CodeEnrolmentEnded, f
		case !f.registered:
			return ra.CodeStepOutOfOrder, f
		case !f.lost:
			return ra.CodeNothingToResume, f
		}
		f.lost, f.resumed, f.ctr = false, true, l.ctr
		return "done", f
	case "stop":
		f.ended = true // whatever its counter: an order can only end
		return "done", f
	}
	switch {
	case l.what == "signature" && f.resumed:
		return "revoked superseded", f
	case f.ended:
		return "revoked cessationOfOperation", f
	case !f.registered:
		return "held unregistered", f
	case f.lost:
		return "held lost", f
	}
	return "good", f
}

// correspondence is a letter, and how it is sent to one of the issuer's processes.
type correspondence struct {
	letter
	send func(w *world) (string, error)
}

// writes makes the next letter of a client: signed before the history begins.
func (s *scene) writes(random *rand.Rand) correspondence {
	p := s.p
	code := func(err error) (string, error) {
		if refused, ok := errors.AsType[*problem.Problem](err); ok {
			return refused.Code, nil
		}
		return "done", err
	}
	switch random.IntN(8) {
	case 0:
		step := p.jws(ra.TypeEnrolment, p.registerClaims(), nil)
		return correspondence{letter{"register", p.ctr}, func(w *world) (string, error) {
			_, err := w.ra.Register(s.t.Context(), p.id, step)
			return code(err)
		}}
	case 1, 2:
		lost := ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}
		return correspondence{letter{"lose", 0}, func(w *world) (string, error) {
			_, err := w.ra.Suspend(s.t.Context(), lost, randomID())
			return code(err)
		}}
	case 3, 4:
		step := p.jws(ra.TypeCheckIn, p.resumeClaims(s.c.says(p, s.c.word(p, ra.WordResume))), nil)
		return correspondence{letter{"resume", p.ctr}, func(w *world) (string, error) {
			_, err := w.ra.Resume(s.t.Context(), step)
			return code(err)
		}}
	case 5:
		if random.IntN(3) > 0 {
			break
		}
		step := p.jws(ra.TypeEnrolment, p.claims(ra.StepStop), nil)
		return correspondence{letter{"stop", p.ctr}, func(w *world) (string, error) {
			_, err := w.ra.Stop(s.t.Context(), step)
			return code(err)
		}}
	}
	which := []struct {
		name string
		kind pki.Kind
		der  []byte
	}{{"authentication", pki.PhoneAuth, p.issued.Certificates.Auth}, {"signature", pki.PhoneSign, p.issued.Certificates.Sign}}[random.IntN(2)]
	serial := serialOf(s.t, which.der)
	return correspondence{letter{which.name, 0}, func(w *world) (string, error) {
		e, err := w.ledger.State(s.t.Context(), which.kind, serial)
		return inWords(e), err
	}}
}

func TestAPhonesPairIsLinearizable(t *testing.T) {
	n := 15
	if os.Getenv("TEGATA_SOAK") != "" {
		n = 600
	}
	rest := &scene{life: life{t: t, w: worldAt(t, quickDir(t))}}
	rest.c = rest.w.issueCard("card-1", hanako(), 0)
	rest.p = rest.w.newPhone(2)
	rest.must(rest.apply, rest.p.keys)
	if err := rest.w.db.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("one process", func(t *testing.T) {
		letters(t, rest, n, func(dir string) []*world { return []*world{opened(t, dir)} })
	})
	t.Run("two processes over one database", func(t *testing.T) {
		shared := status.Shared(time.Minute)
		letters(t, rest, n, func(dir string) []*world { return []*world{opened(t, dir, shared), opened(t, dir, shared)} })
	})
}

// letters plays n histories, each in a copy of the world at rest, and checks them.
func letters(t *testing.T, rest *scene, n int, open func(dir string) []*world) {
	const clients, each = 5, 5
	clerk := porcupine.Model{
		Init: func() any { return folder{ctr: rest.p.ctr} },
		Step: func(state, input, output any) (bool, any) {
			said, next := state.(folder).serve(input.(letter))
			return said == output.(string), next
		},
	}
	said := map[string]int{}
	for h := range n {
		dir := quickDir(t)
		copyWorld(t, dir, rest.w.dir)
		processes := open(dir)
		s := rest.in(t, processes[0])
		random := rand.New(rand.NewPCG(uint64(h), 13))
		mail := make([][]correspondence, clients)
		for range each { // their counters are those of one phone that several lines carry
			for client := range clients {
				mail[client] = append(mail[client], s.writes(random))
			}
		}
		history := sendAll(t, mail, processes)
		if result := porcupine.CheckOperationsTimeout(clerk, history, time.Minute); result != porcupine.Ok {
			t.Fatalf("history %d: %s; no clerk could have said\n%s", h, result, inOrder(history))
		}
		for _, op := range history {
			said[op.Output.(string)]++
		}
		if err := processes[0].db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
		for _, w := range processes {
			w.end()
		}
	}
	for _, answer := range []string{"done", "good", "held lost", "revoked superseded", ra.CodeNothingToResume} {
		if said[answer] == 0 {
			t.Errorf("nobody was ever told %q: %v", answer, said)
		}
	}
}

// sendAll has each client send its letters, one after the other, all at once.
func sendAll(t *testing.T, mail [][]correspondence, processes []*world) []porcupine.Operation {
	kept := make([][]porcupine.Operation, len(mail))
	began := time.Now()
	var gate, done sync.WaitGroup
	gate.Add(1)
	for client := range mail {
		done.Go(func() {
			gate.Wait()
			for _, m := range mail[client] {
				op := porcupine.Operation{ClientId: client, Input: m.letter, Call: int64(time.Since(began))}
				said, err := m.send(processes[client%len(processes)])
				if err != nil {
					t.Error(err)
				}
				op.Output, op.Return = said, int64(time.Since(began))
				kept[client] = append(kept[client], op)
			}
		})
	}
	gate.Done()
	done.Wait()
	return slices.Concat(kept...)
}

func inOrder(history []porcupine.Operation) string {
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var all strings.Builder
	for _, op := range history {
		fmt.Fprintf(&all, "%7d–%7d µs  client %d  %-16s %s\n", op.Call/1000, op.Return/1000, op.ClientId, op.Input, op.Output)
	}
	return all.String()
}

func serialOf(t *testing.T, der []byte) pki.Serial {
	t.Helper()
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return pki.SerialOf(leaf)
}
