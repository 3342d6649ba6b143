package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/issuer/profile"
)

// Files of a sandbox's directory. Each role has a folder of its own beside them.
const (
	settingsFile   = "tegata.json"
	clockFile      = "clock.json"
	sandboxSecrets = "sandbox-secrets.json"
)

// settings are what init fixes for good: names and ports are inside certificates.
type settings struct {
	Sandbox      bool   `json:"sandbox"` // always true here: `up` refuses a directory without the mark
	Listen       string `json:"listen"`  // HOST:PORT of the start page; the roles' ports follow from it
	Organization string `json:"organization"`
	Unit         string `json:"unit"`
	Made         bool   `json:"made"` // everybody of the sandbox was made; until then `up` goes on making
}

// createSettings marks dir as a sandbox. It refuses a directory that is one.
func createSettings(dir, listen string) (settings, error) {
	s := settings{Sandbox: true, Listen: listen, Organization: "Tegata Sandbox", Unit: "Sandbox Operator"}
	if _, _, err := s.address(); err != nil {
		return settings{}, err
	}
	if _, err := os.Lstat(filepath.Join(dir, settingsFile)); !errors.Is(err, fs.ErrNotExist) {
		return settings{}, usagef("%s holds a sandbox already; start it with `tegata up -data %s`, or name a new directory", dir, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return settings{}, fmt.Errorf("make %s: %w", dir, err)
	}
	return s, s.save(dir)
}

// openSettings reads the mark. fs.ErrNotExist when dir is no sandbox at all.
func openSettings(dir string) (settings, error) {
	text, err := os.ReadFile(filepath.Join(dir, settingsFile))
	if err != nil {
		return settings{}, err
	}
	var s settings
	if err := json.Unmarshal(text, &s); err != nil {
		return settings{}, usagef("%s does not read as a sandbox's settings: %v", filepath.Join(dir, settingsFile), err)
	}
	if !s.Sandbox {
		return settings{}, usagef("%s is not marked as a sandbox; `tegata up` runs nothing else", dir)
	}
	return s, nil
}

func (s settings) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return durable.Files{}.WriteFile(filepath.Join(dir, settingsFile), append(text, '\n'), 0o600)
}

// address is the host and the base port. A sandbox listens on loopback only: its
// people's secrets are in its directory and its phones have no lock.
func (s settings) address() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return "", 0, usagef("-listen %q is not HOST:PORT", s.Listen)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", 0, usagef("-listen %q: a sandbox listens on a loopback address such as 127.0.0.1", s.Listen)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 1024 || port > 65535-20 {
		return "", 0, usagef("-listen %q: the base port is between 1024 and 65515", s.Listen)
	}
	return host, port, nil
}

// operator is what all certificates of the sandbox have in common.
func (s settings) operator() profile.Operator {
	return profile.Operator{Organization: s.Organization, Unit: s.Unit, Arc: pki.SandboxArc(), BaseURL: s.url("issuer"), Sandbox: true}
}
