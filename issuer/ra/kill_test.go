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

	"tegata/internal/durable"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
)

// The kill matrix: an issuer of its own process is killed before and after each
// of its writes while a person registers a phone and thereby replaces an older
// one. It is started again, the phone goes on, and exactly one good pair is
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
	if testing.Short() {
		t.Skip("starts an issuer for each write")
	}
	template := newKillWorld(t)
	run := func(t *testing.T, n int) int {
		dir := t.TempDir()
		copyWorld(t, dir, template.dir)
		issuer := &process{t: t, dir: dir}
		issuer.start(n)
		p := template.phoneOf(t)
		issuer.send("/v1/enrolments", func() string { return p.applyStep(template.card, false) }, &p.applied)
		issuer.send("/v1/enrolments/"+p.id+"/keys", func() string { return p.jws(ra.TypeEnrolment, p.keyClaims(), nil) }, &p.issued)
		issuer.send("/v1/enrolments/"+p.id+"/registration", func() string { return p.jws(ra.TypeEnrolment, p.registerClaims(), nil) }, &ra.Registered{})
		moments := issuer.stop()
		if want := min(n, 1); issuer.deaths != want {
			t.Errorf("the issuer died %d times, want %d", issuer.deaths, want)
		}
		template.check(t, dir, p)
		return moments
	}
	n := run(t, 0)
	t.Logf("a registration has %d moments", n)
	if n < 14 { // seven commits
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

func newKillWorld(t *testing.T) *killWorld {
	t.Helper()
	k := &killWorld{world: worldAt(t, t.TempDir())}
	k.card = k.issueCard("card-1", hanako(), 0)
	k.old = k.newPhone(2)
	k.old.enrol(k.card)
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

// check looks at the whole invariant in the database that is left.
func (k *killWorld) check(t *testing.T, dir string, p *phone) {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "issuer.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := *k.world
	w.t, w.db, w.dir = t, db, dir
	if err := w.reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.w = &w
	p.mustBe(status.Good, 0)
	old := *k.old
	old.w = &w
	old.mustBe(status.Revoked, status.Superseded)
	good := map[string]int{}
	err = db.Read(t.Context(), func(tx store.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT c.authority, c.status, COUNT(*) FROM certificate c
			LEFT JOIN certificate_subject s ON s.serial = c.serial
			WHERE c.certificate IS NOT NULL AND c.purpose = 'holder' AND (s.serial IS NOT NULL OR c.authority <> 'ops') GROUP BY c.authority, c.status`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var authority, state string
			var n int
			if err := rows.Scan(&authority, &state, &n); err != nil {
				return err
			}
			good[authority+" "+state] = n
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	// Two phones, one card: nothing was issued twice, and nothing is on hold.
	for state, want := range map[string]int{"phone-auth good": 1, "phone-auth revoked": 1, "phone-sign good": 1, "phone-sign revoked": 1,
		"card-auth good": 1, "card-sign good": 1, "phone-auth held": 0, "phone-sign held": 0} {
		if good[state] != want {
			t.Errorf("%s: %d certificates, want %d", state, good[state], want)
		}
	}
	if got := w.notices(); count(got, ra.NoticeRegistered) != 2 || count(got, ra.NoticeApplied) != 2 {
		t.Errorf("told %v", got)
	}
	if err := errors.Join(db.CheckAudit(t.Context()), issuer.New(db).CheckLedger(t.Context())); err != nil {
		t.Error(err)
	}
}
