package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/internal/pkitest"
)

// mailBox is the folder, in the operator's, where the mail server keeps what it took.
const mailBox = "box"

// serveMail starts Debian's aiosmtpd, which proves itself by the operator's TLS
// certificate, and has the configuration name it.
func (f operatorFiles) serveMail(t testing.TB) {
	t.Helper()
	program := pkitest.Tool(t, "aiosmtpd")
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	server := exec.CommandContext(t.Context(), program, "-n", "-l", "localhost:"+strconv.Itoa(port), "-c", "aiosmtpd.handlers.Mailbox",
		"--tlscert", filepath.Join(f.dir, "tls.pem"), "--tlskey", filepath.Join(f.dir, "tls.key"), filepath.Join(f.dir, mailBox))
	server.Stderr = t.Output()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	text, err := os.ReadFile(f.config)
	if err != nil {
		t.Fatal(err)
	}
	var conf map[string]any
	if err := json.Unmarshal(text, &conf); err != nil {
		t.Fatal(err)
	}
	conf["issuer"].(map[string]any)["mail"] = map[string]any{"host": "localhost", "port": port, "from": "no-reply@ca.example.jp"}
	f.writeJSON(t, "tegata.json", conf)
}

// readMail waits until the notice of the registration has arrived, over TLS, at the
// person's address.
func (w *world) readMail() error {
	for range 150 {
		files, err := filepath.Glob(filepath.Join(w.dir, mailBox, "new", "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			m, err := mail.ReadMessage(f)
			f.Close()
			if err != nil {
				return err
			}
			id := m.Header.Get("Message-Id")
			if m.Header.Get("To") == "<taro@example.jp>" && strings.HasSuffix(id, "@ca.example.jp>") && len(files) >= 2 { // applied, registered
				fmt.Println("mailed")
				return nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("no mail of the registration arrived in 15 seconds")
}
