package pades

import (
	"bytes"
	"fmt"
	"math"
)

// A file is a PDF file whose cross-reference sections were read. Newest first.
type file struct {
	data     []byte
	sections []*section
	budget   *budget
	views    map[[2]int]*view // by from and end
}

// A view is the document as one revision says it is: the sections from one on,
// and no byte beyond the revision's end.
type view struct {
	file   *file
	from   int // index into file.sections
	end    int
	cache  map[int]*object
	inside map[int]*container
}

// An object is an indirect object that was read.
type object struct {
	num, gen   int
	value      any
	start, end int // from its number to after endobj; both 0: from an object stream
}

// open reads the chain of cross-reference sections from the end of data.
//
// Errors: ErrMalformed, ErrTooLarge, ErrEncrypted, ErrUnsupported.
func open(data []byte) (*file, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(data))
	}
	// ISO 32000-1, 7.5.2: the header is the first line. Programs that look for it
	// further on see another file than we do.
	if !bytes.HasPrefix(data, []byte("%PDF-1.")) && !bytes.HasPrefix(data, []byte("%PDF-2.")) {
		return nil, malformed("no header")
	}
	f := &file{data: data, budget: newBudget(), views: map[[2]int]*view{}}
	at, _, err := lastStart(data)
	if err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	for {
		if seen[at] {
			return nil, malformed("cross-reference sections in a circle")
		}
		if len(f.sections) == maxSections {
			return nil, fmt.Errorf("%w: cross-reference sections", ErrTooLarge)
		}
		seen[at] = true
		s, err := f.parseSection(at)
		if err != nil {
			return nil, err
		}
		if s.trailer["Encrypt"] != nil {
			return nil, ErrEncrypted
		}
		f.sections = append(f.sections, s)
		prev, more := s.trailer["Prev"]
		if !more {
			break
		}
		var ok bool
		if at, ok = prev.(int); !ok {
			return nil, malformed("Prev is no number")
		}
	}
	return f, nil
}

// lastStart reads the startxref that ends data (ISO 32000-1, 7.5.5). It returns
// its number and the byte after %%EOF and its end of line; after that there may
// be white space only.
func lastStart(data []byte) (start, end int, err error) {
	at := bytes.LastIndex(data, []byte("startxref"))
	if at < 0 {
		return 0, 0, malformed("no startxref")
	}
	l := &lexer{data: data, pos: at + len("startxref"), budget: newBudget()}
	if start, err = l.integer(); err != nil {
		return 0, 0, err
	}
	if end, err = endOfFile(data, l.pos); err != nil {
		return 0, 0, err
	}
	if !onlySpace(data[end:]) {
		return 0, 0, malformed("bytes after %%%%EOF")
	}
	return start, end, nil
}

func (f *file) lexer(at, end int) *lexer {
	return &lexer{data: f.data[:end], pos: at, budget: f.budget}
}

// view returns the document as it is with the sections from index on. The one of a
// revision is made once: the newest signature is judged over what was read to find it,
// and each update against what was read of the one before.
func (f *file) view(from, end int) *view {
	v, ok := f.views[[2]int{from, end}]
	if !ok {
		v = &view{file: f, from: from, end: end, cache: map[int]*object{}, inside: map[int]*container{}}
		f.views[[2]int{from, end}] = v
	}
	return v
}

// lookup finds an object's entry in the newest section that has one.
func (v *view) lookup(num int) (entry, bool) {
	if v.cache == nil { // a view that knows no objects
		return entry{}, false
	}
	for _, s := range v.file.sections[v.from:] {
		if e, ok := s.entries[num]; ok {
			return e, e.kind != isFree
		}
	}
	return entry{}, false
}

// load reads an object. One that is not there is null (ISO 32000-1, 7.3.10): nil.
func (v *view) load(num int) (*object, error) {
	e, ok := v.lookup(num)
	if !ok {
		return nil, nil
	}
	if o, ok := v.cache[num]; ok {
		if o == nil {
			return nil, malformed("object %d needs itself", num)
		}
		return o, nil
	}
	v.cache[num] = nil
	var o *object
	var err error
	if e.kind == isCompressed {
		o, err = v.contained(num, e)
	} else {
		o, err = v.objectAt(e.offset, &ref{num, e.gen})
	}
	if err != nil {
		delete(v.cache, num)
		return nil, err
	}
	v.cache[num] = o
	return o, nil
}

// objectAt reads "N G obj … endobj" (ISO 32000-1, 7.3.10 and 7.3.8); the object
// must be want, when that is given.
func (v *view) objectAt(at int, want *ref) (o *object, err error) {
	if at < 0 || at >= v.end || isSpace(v.file.data[at]) {
		return nil, malformed("no object at byte %d of its revision", at)
	}
	l := v.file.lexer(at, v.end)
	o = &object{start: at}
	unscanned := 0
	defer func() {
		if e := take(&v.file.budget.scanned, max(l.pos-at-unscanned, 0)); e != nil {
			o, err = nil, e
		}
	}()
	if o.num, err = l.integer(); err != nil {
		return nil, err
	}
	if o.gen, err = l.integer(); err != nil {
		return nil, err
	}
	if err := l.keyword("obj"); err != nil {
		return nil, err
	}
	if want != nil && *want != (ref{o.num, o.gen}) {
		return nil, malformed("object %d is not where the cross-reference says", want.num)
	}
	if o.value, err = l.value(); err != nil {
		return nil, err
	}
	if d, ok := o.value.(dict); ok && l.keyword("stream") == nil {
		s := &stream{dict: d}
		if s.raw, err = v.streamBytes(l, d["Length"]); err != nil {
			return nil, err
		}
		o.value, unscanned = s, len(s.raw)
	}
	if err := l.keyword("endobj"); err != nil {
		return nil, err
	}
	o.end = l.pos
	return o, nil
}

// streamBytes reads the bytes between stream and endstream; Length decides.
func (v *view) streamBytes(l *lexer, length any) ([]byte, error) {
	// 7.3.8.1: the keyword is followed by CR LF or LF, not by CR alone.
	if l.pos < len(l.data) && l.data[l.pos] == '\r' {
		l.pos++
	}
	if l.pos >= len(l.data) || l.data[l.pos] != '\n' {
		return nil, malformed("a stream does not begin on a new line")
	}
	l.pos++
	n, err := v.resolve(length)
	if err != nil {
		return nil, err
	}
	count, ok := n.(int)
	if !ok || count < 0 || count > len(l.data)-l.pos {
		return nil, malformed("the length of a stream")
	}
	raw := l.data[l.pos : l.pos+count]
	l.pos += count
	for l.pos < len(l.data) && isSpace(l.data[l.pos]) {
		l.pos++
	}
	return raw, l.keyword("endstream")
}

// resolve follows references to a value.
func (v *view) resolve(x any) (any, error) {
	for range 8 {
		r, ok := x.(ref)
		if !ok {
			return x, nil
		}
		o, err := v.load(r.num)
		if err != nil {
			return nil, err
		}
		if o == nil || o.gen != r.gen {
			return nil, nil
		}
		x = o.value
	}
	return nil, malformed("references to references")
}

// dictOf resolves x to a dictionary, a stream's included; nil when x is null.
func (v *view) dictOf(x any) (dict, error) {
	x, err := v.resolve(x)
	if err != nil {
		return nil, err
	}
	switch x := x.(type) {
	case nil:
		return nil, nil
	case dict:
		return x, nil
	case *stream:
		return x.dict, nil
	}
	return nil, malformed("not a dictionary: %T", x)
}

// listOf resolves x to an array and its elements no further; one value that is
// no array is an array of one, null an empty one.
func (v *view) listOf(x any) (array, error) {
	x, err := v.resolve(x)
	if err != nil {
		return nil, err
	}
	switch x := x.(type) {
	case nil:
		return nil, nil
	case array:
		return x, nil
	}
	return array{x}, nil
}

// root returns the catalog and its reference (ISO 32000-1, 7.7.2).
func (v *view) root() (dict, ref, error) {
	r, ok := v.file.sections[v.from].trailer["Root"].(ref)
	if !ok {
		return nil, ref{}, malformed("no catalog")
	}
	d, err := v.dictOf(r)
	if err != nil {
		return nil, ref{}, err
	}
	if d == nil || d["Type"] != nil && d["Type"] != name("Catalog") {
		return nil, ref{}, malformed("no catalog")
	}
	return d, r, nil
}

// revision counts the revisions up to the one that section k ends. A linearized
// file is one revision with two sections (ISO 32000-1, F.3.4): the first lies
// before the one that it refers to.
func (f *file) revision(k int) int {
	n := len(f.sections)
	if n > 1 && f.sections[n-2].start < f.sections[n-1].start && k < n-1 {
		return n - k - 1
	}
	return n - k
}

// size is one more than the greatest object number of any section.
func (f *file) size() (int, error) {
	size := 1
	for _, s := range f.sections {
		for num := range s.entries {
			size = max(size, num+1)
		}
		if n, ok := s.trailer["Size"].(int); ok && n <= maxNumber {
			size = max(size, n)
		}
	}
	if size > min(maxNumber, math.MaxInt32)-1000 {
		return 0, fmt.Errorf("%w: object numbers", ErrTooLarge)
	}
	return size, nil
}
