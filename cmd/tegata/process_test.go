package main

import (
	"bufio"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tegata/internal/durable"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
)

// childEnv makes this test binary a neighbourhood in a process of its own: what
// `tegata up` runs, with cheap secrets, keys from the tests' pool, and a hook
// that may kill it. Its value is an order, and no secret is in it.
const childEnv = "TEGATA_TEST_NEIGHBOURHOOD"

// commandEnv makes it a command of a person, with that command's arguments.
const commandEnv = "TEGATA_TEST_COMMAND"

// order is what a child is told.
type order struct {
	Dir      string            // a prepared sandbox
	Keys     string            // PEM file of keys for elements, used in order
	FirstKey int               // where in Keys this process begins
	DieAt    moment            // die there by SIGKILL; zero: live
	Database map[string]string // role → DSN; nil: SQLite in Dir
	Verbose  bool              // log as `up -v`
	Standard bool              // secrets at what they cost people
}

// moment is the nth time, from 1, that a write comes to a point: both sides of a
// run agree on it even where two parties write at the same time.
type moment struct {
	Name string
	Nth  int
}

func (m moment) String() string { return fmt.Sprintf("%s, no. %d", m.Name, m.Nth) }

// TestMain plays a neighbourhood, or a command, when told so.
func TestMain(m *testing.M) {
	if os.Getenv(commandEnv) != "" {
		main()
	}
	if dir := os.Getenv(productionEnv); dir != "" {
		if err := productionWorld(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if text := os.Getenv(childEnv); text != "" {
		if err := child(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testscript.Main(m, journeyCommands())
}

// child runs a prepared sandbox. It prints "ready"; after "arm" on its input it
// prints "armed" and from then on each moment that its writes come to, in one
// write call each, so that all of them are there when it dies. After "collect" it
// collects its garbage. It ends when its input does: with its parent.
func child(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	b, rec, err := o.build()
	if err != nil {
		return err
	}
	if err := hideMemory(); err != nil { // as `up` does
		return err
	}
	s, err := openSettings(o.Dir)
	if err != nil {
		return err
	}
	n, err := b.openNeighbourhood(ctx, o.Dir, s)
	if err != nil {
		return err
	}
	return n.run(ctx, func() {
		fmt.Println("ready")
		go func() {
			for in := bufio.NewScanner(os.Stdin); in.Scan(); {
				switch in.Text() {
				case "arm":
					rec.arm()
				case "collect":
					runtime.GC()
					runtime.GC() // the second finishes the sweeping of the first
					fmt.Println("collected")
				}
			}
			stop()
		}()
	})
}

func (o order) build() (build, *recorder, error) {
	keys, err := keysIn(o.Keys)
	if err != nil {
		return build{}, nil, err
	}
	b := standardBuild(console{err: os.Stderr}, o.Verbose)
	if !o.Standard {
		b.cost = secret.TestCost()
	}
	rec := &recorder{dieAt: o.DieAt, seen: map[string]int{}}
	b.files.Hook, b.commit = rec.moment, rec.moment
	b.generateKey = keys.from(o.FirstKey)
	if o.Database != nil {
		b.database = func(role string) string { return o.Database[role] }
	}
	return b, rec, nil
}

// recorder tells the moments of a run and ends the process at one of them.
type recorder struct {
	dieAt moment

	mu    sync.Mutex // guards what follows; held over a death, so that no other write goes on
	armed bool
	seen  map[string]int
}

func (r *recorder) arm() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.armed = true
	fmt.Println("armed")
}

func (r *recorder) moment(m durable.Moment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.armed {
		return
	}
	name := momentName(m)
	r.seen[name]++
	fmt.Println("moment " + name)
	if (moment{name, r.seen[name]}) == r.dieAt {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing more is done, not even a deferred call
	}
}

// momentName is a moment without what differs between databases: on PostgreSQL
// the name of a database ends with the party's.
func momentName(m durable.Moment) string {
	words := strings.Fields(string(m))
	last := &words[len(words)-1]
	*last = (*last)[strings.LastIndex(*last, "_")+1:]
	return strings.Join(words, " ")
}

// keyFile are RSA keys for elements.
type keyFile []*rsa.PrivateKey

// poolKeys writes the tests' pool into a file that children read.
func poolKeys(t *testing.T) string {
	t.Helper()
	var text []byte
	for i := range 8 {
		der := x509.MarshalPKCS1PrivateKey(pkitest.Key(t, i))
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})...)
	}
	path := filepath.Join(t.TempDir(), "keys.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func keysIn(path string) (keyFile, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var keys keyFile
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return keys, nil
		}
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
}

// from gives one key after the other. An authority certifies each key once, so a
// process that is started again begins where no other has been.
func (k keyFile) from(first int) func() (*rsa.PrivateKey, error) {
	var mu sync.Mutex
	next := first
	return func() (*rsa.PrivateKey, error) {
		mu.Lock()
		defer mu.Unlock()
		if next >= len(k) {
			return nil, errors.New("the pool of test keys is used up")
		}
		next++
		return k[next-1], nil
	}
}

// process is a child as its parent sees it.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	words   chan string   // "ready", "armed"
	ended   chan struct{} // closed when it has
	moments []moment      // that it came to; to be read after it ended
	err     lines         // what it said on its error output
}

// start runs a child and returns when it is ready.
func start(ctx context.Context, o order, env ...string) (*process, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	p := &process{words: make(chan string, 4), ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, os.Args[0])
	p.cmd.Env = append(append(os.Environ(), childEnv+"="+string(text)), env...)
	p.cmd.Dir = filepath.Dir(o.Dir)
	p.cmd.Stderr = &p.err
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.listen(out)
	return p, p.hear("ready")
}

func (p *process) listen(out io.Reader) {
	seen := map[string]int{}
	for in := bufio.NewScanner(out); in.Scan(); {
		if name, ok := strings.CutPrefix(in.Text(), "moment "); ok {
			seen[name]++
			p.moments = append(p.moments, moment{name, seen[name]})
			continue
		}
		p.words <- in.Text()
	}
	p.cmd.Wait()
	close(p.ended)
}

func (p *process) hear(word string) error {
	select {
	case got := <-p.words:
		if got == word {
			return nil
		}
		return fmt.Errorf("the neighbourhood said %q, not %q", got, word)
	case <-p.ended:
		return fmt.Errorf("the neighbourhood ended: %v\n%s", p.cmd.ProcessState, p.err.String())
	case <-time.After(30 * time.Second):
		return errors.New("the neighbourhood does not get ready")
	}
}

// arm begins the counting of moments.
func (p *process) arm() error { return p.ask("arm", "armed") }

// ask says a word to it and waits for its answer.
func (p *process) ask(word, answer string) error {
	if _, err := io.WriteString(p.in, word+"\n"); err != nil {
		return err
	}
	return p.hear(answer)
}

// kill ends it, unless it ends by itself within patience.
func (p *process) kill(patience time.Duration) {
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// lines is an output that several goroutines write and one reads.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
