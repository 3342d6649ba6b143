package main

import (
	"bytes"
	"encoding/hex"
	"encoding/pem"
	"html"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var (
	shownLines = regexp.MustCompile(`(?s)<pre tabindex="0"><code>(.*?)</code></pre>`)
	fetched    = regexp.MustCompile(`^curl -s -o (\S+) \S+/trace/[0-9]+\.pem$`)
	numbered   = regexp.MustCompile(`^tegata-[0-9]+\.pem$`)
)

// typeLines types what the page of messages says to type: every check takes what is
// there, and refuses each spoiled copy of it. It waits until the page checks each of
// FILES; tegata.pem is any tegata-N.pem.
//
//	lines URL FILE…
func typeLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: lines URL FILE…")
	}
	all := map[string][][]string{}
	missing := func(name string) bool { return len(all[name]) == 0 }
	for end := time.Now().Add(10 * time.Second); slices.ContainsFunc(args[1:], missing); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("of %s, the page checks only %s", args[1:], slices.Sorted(maps.Keys(all)))
		}
		v, err := newVisitor()
		ts.Check(err)
		ts.Check(v.open(io.Discard, "GET", args[0], nil, nil))
		clear(all)
		for _, m := range shownLines.FindAllStringSubmatch(v.page, -1) {
			lines := strings.Split(html.UnescapeString(m[1]), "\n")
			file := fetched.FindStringSubmatch(lines[0])
			if file == nil {
				ts.Fatalf("nothing of the event is fetched:\n%s", m[1])
			}
			name := numbered.ReplaceAllString(file[1], "tegata.pem")
			all[name] = append(all[name], lines)
		}
	}
	for _, several := range all {
		for _, lines := range several[:min(len(several), 3)] {
			typeOne(ts, lines, fetched.FindStringSubmatch(lines[0])[1])
		}
	}
}

func typeOne(ts *testscript.TestScript, lines []string, file string) {
	dir, err := os.MkdirTemp(ts.Getenv("WORK"), "lines")
	ts.Check(err)
	run := func(lines []string) (string, error) {
		shell := exec.Command("sh", "-e")
		shell.Dir, shell.Stdin = dir, strings.NewReader(strings.Join(lines, "\n"))
		out, err := shell.CombinedOutput()
		return string(out), err
	}
	if out, err := run(lines); err != nil {
		ts.Fatalf("%v:\n%s\n%s", err, strings.Join(lines, "\n"), out)
	}
	check := lines
	for len(check) > 0 && strings.HasPrefix(check[0], "curl ") {
		check = check[1:]
	}
	if len(check) == 0 {
		ts.Fatalf("%s is fetched and not checked:\n%s", file, strings.Join(lines, "\n"))
	}
	text, err := os.ReadFile(filepath.Join(dir, file))
	ts.Check(err)
	block, _ := pem.Decode(text)
	if block == nil {
		ts.Fatalf("%s is no PEM:\n%s", file, text)
	}
	for _, at := range spoilable(block.Bytes) {
		spoiled := bytes.Clone(block.Bytes)
		spoiled[at] ^= 1
		text := pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: spoiled})
		ts.Check(os.WriteFile(filepath.Join(dir, file), text, 0o600))
		if out, err := run(check); err == nil {
			ts.Fatalf("with bit 0 of byte %d of %d changed this passes:\n%s\n%s", at, len(spoiled), strings.Join(check, "\n"), out)
		}
	}
}

// spoilable is where a signed thing is spoiled: in its parts, at its end, and in the
// signature of an OCSP answer, which stands before the responder's certificate.
func spoilable(der []byte) []int {
	list := []int{len(der) / 4, len(der) / 2, len(der) - 1}
	ecdsaWithSHA256, _ := hex.DecodeString("06082a8648ce3d040302")
	if at := bytes.Index(der, ecdsaWithSHA256); at >= 0 && at+40 < len(der) {
		list = append(list, at+30)
	}
	return list
}
