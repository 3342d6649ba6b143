package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// streets makes one sandbox and gives each script a copy. Names and ports are in
// certificates, so that copies run one after the other.
type streets struct {
	once   sync.Once
	err    error
	dir    string // the one that was made
	listen string
	ports  func() // gives the ports back

	one sync.Mutex // held while a copy runs

	around func(*neighbourhood) // nil: scripts run `tegata up`; else a neighbourhood of this process, which it may change
}

// make is `tegata init`, once.
func (s *streets) make() error {
	s.once.Do(func() {
		var dir string
		if dir, s.err = os.MkdirTemp("", "tegata-journeys"); s.err != nil {
			return
		}
		s.dir = filepath.Join(dir, "sandbox")
		if s.listen, s.ports, s.err = freeBase(22400); s.err != nil {
			return
		}
		var said bytes.Buffer
		cmd := exec.Command("tegata", "init", "-data", s.dir, "-listen", s.listen)
		cmd.Stdout, cmd.Stderr = &said, &said
		if s.err = cmd.Run(); s.err != nil {
			s.err = fmt.Errorf("tegata init: %w\n%s", s.err, said.String())
		}
	})
	return s.err
}

func (s *streets) clear() {
	if s.dir != "" {
		os.RemoveAll(filepath.Dir(s.dir))
	}
	if s.ports != nil {
		s.ports()
	}
}

// copyTo gives dir a copy of the sandbox. Whoever has one holds s.one.
func (s *streets) copyTo(dir string) error {
	if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600) // not for others, as it was
	})
}

// runningStreet is a running `tegata up`.
type runningStreet struct {
	cmd    *exec.Cmd
	cancel func()         // instead of cmd: it is in this process
	own    *neighbourhood // then
	ended  chan error
}

// startStreet starts `tegata up` on a directory and waits for `ready`.
func startStreet(data string) (*runningStreet, error) {
	r := &runningStreet{cmd: exec.Command("tegata", "up"), ended: make(chan error, 1)}
	r.cmd.Env = append(os.Environ(), "TEGATA_DATA="+data)
	var said strings.Builder
	r.cmd.Stderr = &said
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		for in := bufio.NewScanner(out); in.Scan(); {
			if in.Text() == "ready" {
				close(ready)
			}
		}
		r.ended <- r.cmd.Wait()
	}()
	select {
	case <-ready:
		return r, nil
	case err := <-r.ended:
		return nil, fmt.Errorf("tegata up ended: %w\n%s", err, said.String())
	case <-time.After(60 * time.Second):
		return nil, errors.Join(errors.New("tegata up does not get ready"), r.stop())
	}
}

// stop ends it as a person does; an error when it does not end in order.
func (r *runningStreet) stop() error {
	if r.cancel != nil {
		r.cancel()
		return <-r.ended
	}
	r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-r.ended:
		return err
	case <-time.After(20 * time.Second):
		r.cmd.Process.Kill()
		return errors.New("tegata up did not end within 20 s")
	}
}

// addresses are what a person sees of a sandbox, for scripts.
func addresses(set settings) map[string]string {
	return map[string]string{
		"TEGATA_STREET": "http://" + set.Listen, "LISTEN": set.Listen, "STREET": set.page("street"), "PORTAL": set.page("portal"),
		"PHONES": set.page("phone"), "VERIFIER": set.machine("verifier"), "ISSUER": set.machine("issuer"), "CARDS": set.machine("cards"),
		"HELPDESK": set.page("helpdesk"), "MUNICIPALITY": set.page("municipality"),
	}
}
