package ui

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"sort"
	"strings"
)

// Catalogue is the words of one party in every language, by key. It is read
// from ja.json and en.json beside the party's pages: flat objects of key to
// string, where a string may hold fmt verbs for its arguments.
type Catalogue map[Lang]map[string]string

// OpenCatalogue reads ja.json and en.json at the root of fsys.
func OpenCatalogue(fsys fs.FS) (Catalogue, error) {
	c := make(Catalogue)
	for _, l := range Langs() {
		name := string(l) + ".json"
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("ui: open catalogue: %w", err)
		}
		m := make(map[string]string)
		if err := json.Unmarshal(b, &m); err != nil {
			return nil, fmt.Errorf("ui: read catalogue %s: %w", name, err)
		}
		c[l] = m
	}
	return c, nil
}

// merge is c with the entries of own added; own wins.
func (c Catalogue) merge(own Catalogue) Catalogue {
	out := make(Catalogue)
	for _, l := range Langs() {
		out[l] = make(map[string]string)
		for k, v := range c[l] {
			out[l][k] = v
		}
		for k, v := range own[l] {
			out[l][k] = v
		}
	}
	return out
}

// Say is the string of key in language l with its arguments filled in. A key
// without a string comes back in double brackets: visible, and found by the
// test that every party runs (package uitest).
func (c Catalogue) Say(l Lang, key string, args ...any) string {
	s, ok := c[l][key]
	if !ok {
		return "[[" + key + "]]"
	}
	if len(args) == 0 {
		return s
	}
	return fmt.Sprintf(s, args...)
}

// Has reports whether key has a string in language l.
func (c Catalogue) Has(l Lang, key string) bool { _, ok := c[l][key]; return ok }

// Keys lists the keys of language l in order.
func (c Catalogue) Keys(l Lang) []string {
	var keys []string
	for k := range c[l] {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// paragraphs splits a string at line feeds, so that a catalogue can hold more
// than one paragraph without holding HTML.
func paragraphs(s string) []string { return strings.Split(s, "\n") }
