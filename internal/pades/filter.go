package pades

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// decoded returns a stream's bytes without its filters (ISO 32000-1, 7.4), at
// most maxStream of them. Only filters of text and structure are read; images are
// never looked into.
func (v *view) decoded(s *stream) ([]byte, error) {
	filters, err := v.listOf(s.dict["Filter"])
	if err != nil {
		return nil, err
	}
	params, err := v.listOf(s.dict["DecodeParms"])
	if err != nil {
		return nil, err
	}
	if len(filters) > 4 {
		return nil, fmt.Errorf("%w: %d filters", ErrUnsupported, len(filters))
	}
	data := s.raw
	for i, f := range filters {
		var p dict
		if i < len(params) {
			if p, err = v.dictOf(params[i]); err != nil {
				return nil, err
			}
		}
		switch f {
		case name("FlateDecode"), name("Fl"):
			if data, err = v.file.inflate(data); err == nil {
				data, err = unpredict(data, p)
			}
		case name("ASCIIHexDecode"), name("AHx"):
			data, err = asciiHex(data)
		case name("ASCII85Decode"), name("A85"):
			data, err = ascii85Bytes(data)
		default:
			return nil, fmt.Errorf("%w: %v", ErrUnsupported, f)
		}
		if err != nil {
			return nil, err
		}
	}
	return data, nil
}

// inflate decompresses, within the file's budget. What follows the end of the
// compressed data is not looked at; a missing checksum is an error.
func (f *file) inflate(data []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, malformed("a compressed stream: %v", err)
	}
	limit := min(maxStream, f.budget.inflated)
	out, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	if len(out) > limit {
		return nil, fmt.Errorf("%w: decompressed streams", ErrTooLarge)
	}
	if err != nil {
		return nil, malformed("a compressed stream: %v", err)
	}
	return out, take(&f.budget.inflated, len(out))
}

// unpredict undoes the PNG predictors that cross-reference streams are written
// with (ISO 32000-1, 7.4.4.4).
func unpredict(data []byte, p dict) ([]byte, error) {
	number := func(key name, otherwise int) int {
		if n, ok := p[key].(int); ok {
			return n
		}
		return otherwise
	}
	predictor := number("Predictor", 1)
	if predictor == 1 {
		return data, nil
	}
	columns := number("Columns", 1)
	if predictor < 10 || predictor > 15 || number("Colors", 1) != 1 || number("BitsPerComponent", 8) != 8 || columns < 1 || columns > 1<<16 {
		return nil, fmt.Errorf("%w: predictor %d", ErrUnsupported, predictor)
	}
	row := columns + 1
	if len(data)%row != 0 {
		return nil, malformed("rows of a predictor")
	}
	out := make([]byte, 0, len(data)/row*columns)
	above := make([]byte, columns)
	for ; len(data) > 0; data = data[row:] {
		kind, line := data[0], bytes.Clone(data[1:row])
		for i := range line {
			var left, corner byte
			if i > 0 {
				left, corner = line[i-1], above[i-1]
			}
			switch kind {
			case 0:
			case 1:
				line[i] += left
			case 2:
				line[i] += above[i]
			case 3:
				line[i] += byte((int(left) + int(above[i])) / 2)
			case 4:
				line[i] += paeth(left, above[i], corner)
			default:
				return nil, malformed("row filter %d", kind)
			}
		}
		out = append(out, line...)
		above = line
	}
	return out, nil
}

// paeth is the fourth filter of PNG (ISO/IEC 15948, 9.4).
func paeth(left, above, corner byte) byte {
	abs := func(n int) int { return max(n, -n) }
	p := int(left) + int(above) - int(corner)
	a, b, c := abs(p-int(left)), abs(p-int(above)), abs(p-int(corner))
	switch {
	case a <= b && a <= c:
		return left
	case b <= c:
		return above
	}
	return corner
}

func asciiHex(data []byte) ([]byte, error) {
	digits := make([]byte, 0, len(data))
	for _, c := range data {
		if c == '>' {
			break
		}
		if !isSpace(c) {
			digits = append(digits, c)
		}
	}
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	out, err := hex.AppendDecode(nil, digits)
	if err != nil {
		return nil, malformed("ASCIIHexDecode")
	}
	return out, nil
}

func ascii85Bytes(data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(bytes.TrimSpace(data), []byte("<~"))
	end := bytes.Index(data, []byte("~>"))
	if end < 0 {
		return nil, malformed("ASCII85Decode")
	}
	out := make([]byte, 4*end) // a z stands for four bytes
	n, _, err := ascii85.Decode(out, data[:end], true)
	if corrupt := ascii85.CorruptInputError(0); errors.As(err, &corrupt) {
		return nil, malformed("ASCII85Decode")
	}
	return out[:n], nil
}
