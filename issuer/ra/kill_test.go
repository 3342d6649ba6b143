package ra_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tegata/internal/durable"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
)

// The kill matrix: an issuer of its own process is killed before and after each
// of its writes while a person registers a phone and thereby replaces an older
// one, and while a person resumes a found phone and has its signature certificate
// issued anew. It is started again, the phone goes on, and exactly one good pair is
// there. It claims the death of a process, not of a machine.

const (
	killDir = "TEGATA_RA_KILL_DIR" // the issuer's directory: makes this test binary an issuer
	killAt  = "TEGATA_RA_KILL_AT"  // kill at the nth moment; 0 never
)

// TestMain plays the issuer when told so.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		n, _ := strconv.Atoi(os.Getenv(killAt))
		if err := serveUntilKilled(dir, n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if dir, err := fresh(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func killClock() time.Time { return began.Add(time.Hour) }

func serveUntilKilled(dir string, n int) error {
	ctx := context.Background()
	moments := 0
	hook := func(durable.Moment) {
		moments++
		fmt.Println("moment", moments)
		if moments == n {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing more is done, not even a deferred call
		}
	}
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "issuer.db"), store.WithHook(hook))
	if err != nil {
		return err
	}
	w := &world{now: killClock(), db: db, dir: dir, key: make([]byte, 32)}
	if err := w.reopen(ctx); err != nil {
		return err
	}
	mux := http.NewServeMux()
	(&ra.Handler{RA: w.ra}).Register(mux)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("ready", l.Addr())
	return http.Serve(l, mux)
}

// process is an issuer that may be dead.
type process struct {
	t       *testing.T
	dir     string
	cmd     *exec.Cmd
	url     string
	moments chan int // how many there were, when it has ended
	deaths  int
}

func (p *process) start(n int) {
	p.t.Helper()
	p.cmd = exec.CommandContext(p.t.Context(), os.Args[0])
	p.cmd.Env = append(os.Environ(), killDir+"="+p.dir, killAt+"="+strconv.Itoa(n))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ready := make(chan string, 1)
	moments := make(chan int, 1)
	go func() {
		last := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if addr, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
				ready <- addr
			}
			fmt.Sscanf(lines.Text(), "moment %d", &last)
		}
		close(ready)
		moments <- last
	}()
	addr, ok := <-ready
	if !ok {
		p.t.Fatal("the issuer did not start")
	}
	p.url, p.moments = "http://"+addr, moments
}

// stop ends it, if it has not ended, and says how many moments there were.
func (p *process) stop() int {
	p.cmd.Process.Kill()
	n := <-p.moments
	p.cmd.Wait()
	return n
}

// send posts until there is an answer, starting the issuer again when it died.
func (p *process) send(path string, step func() string, out any) {
	p.t.Helper()
	for range 3 {
		err := httpd.PostJSON(p.t.Context(), httpd.Client(20*time.Second), p.url+path, ra.StepBody{Step: step()}, out)
		if err == nil {
			return
		}
		if unreachable, ok := errors.AsType[*problem.Problem](err); !ok || unreachable.Kind != problem.CouldNotCheck {
			p.t.Fatalf("%s: %v", path, err)
		}
		p.stop()
		p.deaths++
		p.start(0)
	}
	p.t.Fatalf("%s: no answer", path)
}

func TestKilledAtEveryWriteExactlyOneGoodPairIsThere(t *testing.T) {
	template := newKillWorld(t, func(*killWorld) {})
	killEverywhere(t, template, 14, func(t *testing.T, issuer *process) func(*world) { // seven commits
		p := template.phoneOf(t)
		issuer.send("/v1/enrolments", func() string { return p.applyStep(template.card, false) }, &p.applied)
		issuer.send("/v1/enrolments/"+p.id+"/keys", func() string { return p.jws(ra.TypeEnrolment, p.keyClaims(), nil) }, &p.issued)
		issuer.send("/v1/enrolments/"+p.id+"/registration", func() string { return p.jws(ra.TypeEnrolment, p.registerClaims(), nil) }, &ra.Registered{})
		return func(w *world) {
			p.w = w
			p.mustBe(status.Good, 0)
			template.oldIn(w).mustBe(status.Revoked, status.Superseded)
			// Two phones, one card: nothing was issued twice, and nothing is on hold.
			w.mustHave(t, map[string]int{"phone-auth good": 1, "phone-auth revoked": 1, "phone-sign good": 1, "phone-sign revoked": 1,
				"card-auth good": 1, "card-sign good": 1})
			if got := w.notices(); count(got, ra.NoticeRegistered) != 2 || count(got, ra.NoticeApplied) != 2 {
				t.Errorf("told %v", got)
			}
		}
	})
}

func TestKilledAtEveryWriteAFoundPhoneHasOneSignatureCertificate(t *testing.T) {
	template := newKillWorld(t, func(k *killWorld) {
		if _, err := k.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(k.old)}, "x"); err != nil {
			t.Fatal(err)
		}
	})
	killEverywhere(t, template, 16, func(t *testing.T, issuer *process) func(*world) { // one commit more: the resume
		w := *template.world
		w.t = t
		p := template.oldIn(&w)
		card := *template.card
		card.w = &w
		resume := p.jws(ra.TypeCheckIn, p.resumeClaims(card.says(p, card.word(p, ra.WordResume))), nil)
		issuer.send("/v1/resumptions", func() string { return resume }, &ra.Resumed{})
		q := p.again(4)
		q.cms = q.signFor(&card)
		issuer.send("/v1/enrolments", func() string { return q.applyStep(&card, false) }, &q.applied)
		issuer.send("/v1/enrolments/"+q.id+"/keys", func() string { return q.signKeyStep() }, &q.issued)
		issuer.send("/v1/enrolments/"+q.id+"/registration", func() string { return q.takeOverStep() }, &ra.Registered{})
		return func(w *world) {
			p.w, q.w = w, w
			life{t: t, w: w, p: p}.are("good", "revoked superseded")
			if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Good {
				t.Errorf("the new signature certificate is %s", e.Status)
			}
			w.mustHave(t, map[string]int{"phone-auth good": 1, "phone-sign good": 1, "phone-sign revoked": 1, "card-auth good": 1, "card-sign good": 1})
			if got := w.notices(); count(got, ra.NoticeFound) != 1 || count(got, ra.NoticeReissued) != 1 || count(got, ra.NoticeApplied) != 2 {
				t.Errorf("told %v", got)
			}
			p.ctr, p.unlocked = q.ctr, w.now
			if got, err := p.checkIn(); err != nil || len(got.Holds) > 0 {
				t.Errorf("afterwards a check-in is answered %+v, %v", got, err)
			}
		}
	})
}

// killEverywhere plays a journey once in peace, to count its moments, and then once
// for each, killing the issuer there. journey returns what must be true of the
// database that is left.
func killEverywhere(t *testing.T, template *killWorld, atLeast int, journey func(t *testing.T, issuer *process) func(*world)) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts an issuer for each write")
	}
	run := func(t *testing.T, n int) int {
		dir := t.TempDir()
		copyWorld(t, dir, template.dir)
		running := &process{t: t, dir: dir}
		running.start(n)
		check := journey(t, running)
		moments := running.stop()
		if want := min(n, 1); running.deaths != want {
			t.Errorf("the issuer died %d times, want %d", running.deaths, want)
		}
		check(template.reopened(t, dir))
		return moments
	}
	n := run(t, 0)
	t.Logf("the journey has %d moments", n)
	if n < atLeast {
		t.Fatalf("only %d moments: the hook does not see the writes", n)
	}
	for i := 1; i <= n; i++ {
		t.Run(fmt.Sprintf("killed at moment %d", i), func(t *testing.T) { run(t, i) })
	}
}

// killWorld is an issuer at rest with a card and an old phone registered.
type killWorld struct {
	*world
	card *card
	old  *phone
}

// newKillWorld also does what comes before the journey.
func newKillWorld(t *testing.T, before func(*killWorld)) *killWorld {
	t.Helper()
	k := &killWorld{world: worldAt(t, t.TempDir())}
	k.card = k.issueCard("card-1", hanako(), 0)
	k.old = k.newPhone(2)
	k.old.enrol(k.card)
	before(k)
	if err := k.db.Close(); err != nil {
		t.Fatal(err)
	}
	k.now = killClock()
	return k
}

func (k *killWorld) phoneOf(t *testing.T) *phone {
	w := *k.world
	w.t = t
	return w.newPhone(4)
}

// oldIn is the old phone as it was, in a world that is like ours.
func (k *killWorld) oldIn(w *world) *phone {
	old := *k.old
	old.w = w
	return &old
}

// reopened is the world over the database that is left, whose audit chain is whole.
func (k *killWorld) reopened(t *testing.T, dir string) *world {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "issuer.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := *k.world
	w.t, w.db, w.dir = t, db, dir
	if err := w.reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.CheckAudit(t.Context()), issuer.New(db).CheckLedger(t.Context())); err != nil {
		t.Error(err)
	}
	return &w
}

// mustHave demands these numbers of holders' certificates and no others, each with a
// record of whose it is: nothing was issued that is not recorded.
func (w *world) mustHave(t *testing.T, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	err := w.db.Read(t.Context(), func(tx store.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT c.authority, c.status, COUNT(*), COUNT(s.serial) FROM certificate c
			LEFT JOIN certificate_subject s ON s.serial = c.serial
			WHERE c.certificate IS NOT NULL AND c.purpose = 'holder' AND (s.serial IS NOT NULL OR c.authority <> 'ops') GROUP BY c.authority, c.status`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var authority, state string
			var n, recorded int
			if err := rows.Scan(&authority, &state, &n, &recorded); err != nil {
				return err
			}
			if recorded != n {
				t.Errorf("%d of %d certificates of %s have no record", n-recorded, n, authority)
			}
			got[authority+" "+state] = n
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("certificates (-want +got):\n%s", d)
	}
}
