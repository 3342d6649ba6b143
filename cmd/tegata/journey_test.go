package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tegata/holder/reader"
	"tegata/sandbox"
)

// journeyCommands are what the scripts run as programs: this test binary, started
// anew, is then nothing but `tegata`.
func journeyCommands() map[string]func() { return map[string]func(){"tegata": main} }

// TestJourneys runs the commands as people and scripts do, in testdata/*.txtar:
// the real binary, real HTTP, a sandbox made by `tegata init`.
func TestJourneys(t *testing.T) {
	s := &streets{}
	t.Cleanup(s.clear)
	t.Run("scripts", s.scripts)
	t.Run("meddling", s.meddle)
	t.Run("doors", s.eachDoor)
	t.Run("openid", s.openID)
	t.Run("answering", s.answering)
	t.Run("docs", s.commandsPage)
}

func (s *streets) scripts(t *testing.T) {
	testscript.Run(t, s.params(testscript.Params{Dir: "testdata"}))
}

// params are p with what the scripts can do.
func (s *streets) params(p testscript.Params) testscript.Params {
	return testscript.Params{
		Dir: p.Dir, Files: p.Files,
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"up":      s.up,
			"down":    down,
			"exits":   exits,
			"secrets": writeSecrets,
			"browse":  browse,
			"keep":    keepOutput,
			"spoil":   spoil,
			"shape":   shape,
			"between": between,
			"other":   otherNumber,
			"slot":    useSlot,
			"until":   until,
			"member":  member,
			"lines":   typeLines,
			"client":  useClient,

			"certificate": writeCertificate,
		},
		Condition: tool,
		Setup: func(env *testscript.Env) error {
			env.Values[journeyState{}] = &journey{browsers: map[string]*visitor{}, clients: map[string]*client{}}
			env.Setenv("TEGATA_DATA", filepath.Join(env.WorkDir, "data"))
			return nil
		},
	}
}

// tool is the condition [tool:NAME]: whether a foreign program is here. Where tools
// are required, a missing one is a failure.
func tool(condition string) (bool, error) {
	name, ok := strings.CutPrefix(condition, "tool:")
	if !ok {
		return false, fmt.Errorf("there is no condition %q", condition)
	}
	_, err := exec.LookPath(name)
	if err != nil && os.Getenv("TEGATA_TOOLS") == "required" {
		return false, fmt.Errorf("%s is not installed; `make test` installs it", name)
	}
	return err == nil, nil
}

// journeyState is the key of a script's *journey.
type journeyState struct{}

// journey is what a script has besides its files.
type journey struct {
	street   *runningStreet // nil: not up
	browsers map[string]*visitor
	clients  map[string]*client
	slot     *reader.Reader
}

func stateOf(ts *testscript.TestScript) *journey { return ts.Value(journeyState{}).(*journey) }

// up starts `tegata up` on the script's copy of the sandbox and waits for `ready`.
// It sets $STREET and the other addresses.
func (s *streets) up(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: up")
	}
	ts.Check(s.make())
	data, j := ts.Getenv("TEGATA_DATA"), stateOf(ts)
	if _, err := os.Lstat(data); err != nil { // the first time
		s.one.Lock()
		ts.Defer(s.one.Unlock)
		ts.Check(s.copyTo(data))
		ts.Defer(func() {
			if j.street != nil {
				j.street.stop()
			}
		})
	}
	set, err := openSettings(data)
	ts.Check(err)
	if j.street != nil {
		ts.Fatalf("the neighbourhood is up already")
	}
	for name, value := range addresses(set) {
		ts.Setenv(name, value)
	}
	if s.around != nil {
		j.street, err = s.startRecorded(data)
	} else {
		j.street, err = startStreet(data)
	}
	ts.Check(err)
}

// down stops it, and demands that it ends in order.
func down(ts *testscript.TestScript, neg bool, args []string) {
	j := stateOf(ts)
	if j.street == nil {
		ts.Fatalf("the neighbourhood is not up")
	}
	ts.Check(j.street.stop())
	j.street = nil
}

// exits runs a command and demands its exit code: exits 64 tegata card lost.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("%s exited with %d, want %s", strings.Join(args[1:], " "), got, want)
	}
}

// until repeats a command, or a look at a page, until its output has what is looked for.
//
//	until REGEXP COMMAND…
//	until REGEXP browse WHO get URL
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP COMMAND…")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if args[1] == "browse" {
			browse(ts, false, args[2:])
			if want.MatchString(textOf(stateOf(ts).browsers[args[2]].page)) {
				return
			}
			continue
		}
		if ts.Exec(args[1], args[2:]...) == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("%s never said %q", strings.Join(args[1:], " "), args[0])
}

// writeSecrets writes a file of secrets as a person types them: what the sandbox
// knows of a card or a phone, and what name=value says instead or besides.
//
//	secrets FILE CARD-OR-PHONE… [name=value]…
func writeSecrets(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: secrets FILE CARD-OR-PHONE… [name=value]…")
	}
	var known struct {
		Cards  map[string]sandbox.CardSecrets  `json:"cards"`
		Phones map[string]sandbox.PhoneSecrets `json:"phones"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(ts.Getenv("TEGATA_DATA"), sandboxSecrets))), &known))
	file := map[string]string{}
	for _, arg := range args[1:] {
		if name, value, ok := strings.Cut(arg, "="); ok {
			file[name] = value
			continue
		}
		if c, ok := known.Cards[arg]; ok {
			file["card_signature_password"], file["card_auth_pin"] = c.CardSignaturePassword, c.CardAuthPIN
		} else if p, ok := known.Phones[arg]; ok {
			file["phone_auth_pin"], file["phone_signature_password"], file["lock_code"] = p.PhoneAuthPIN, p.PhoneSignaturePassword, p.LockCode
		} else {
			ts.Fatalf("the sandbox has no card or phone %q", arg)
		}
	}
	text, err := json.Marshal(file)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

// writeCertificate writes one of the certificates in the last `phone show -json`:
// certificate KIND FILE.
func writeCertificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: certificate KIND FILE")
	}
	var p phoneView
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &p))
	for _, c := range p.Certificates {
		if c.Kind == args[0] {
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(c.PEM), 0o600))
			return
		}
	}
	ts.Fatalf("the phone has no %s certificate", args[0])
}

// keepOutput keeps a part of the last output: keep NAME REGEXP-WITH-ONE-GROUP.
func keepOutput(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: keep NAME REGEXP [FILE]")
	}
	from := "stdout"
	if len(args) == 3 {
		from = args[2]
	}
	ts.Setenv(args[0], strings.TrimSpace(group(ts, args[1], ts.ReadFile(from))))
}

// otherNumber keeps a number of two digits that the page on the screen offers and
// that is not the right one: other NAME RIGHT.
func otherNumber(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: other NAME RIGHT")
	}
	for _, m := range regexp.MustCompile(`(?m)^([0-9]{2})$`).FindAllString(ts.ReadFile("stdout"), -1) {
		if m != args[1] {
			ts.Setenv(args[0], m)
			return
		}
	}
	ts.Fatalf("no other number than %s is there", args[1])
}

// member keeps a member of a JSON file: member NAME FILE MEMBER.
func member(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: member NAME FILE MEMBER")
	}
	var all map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &all))
	text, ok := all[args[2]].(string)
	if !ok {
		ts.Fatalf("%s has no %s", args[1], args[2])
	}
	ts.Setenv(args[0], text)
}
