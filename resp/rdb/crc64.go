package rdb

import (
	"encoding/binary"
	"hash/crc64"
)

const footerBytes = 2 + 8

// jones is Redis's polynomial, 0xad93d23594c935a9, with its bits reversed.
var jones = crc64.MakeTable(0x95ac9329ac4bc9b5)

// checksum is Redis's CRC-64: it starts at 0 and inverts nothing, where Go's inverts before and after.
func checksum(b []byte) uint64 {
	return ^crc64.Update(^uint64(0), jones, b)
}

// seal appends the footer.
func seal(b []byte, version uint16) []byte {
	b = binary.LittleEndian.AppendUint16(b, version)
	return binary.LittleEndian.AppendUint64(b, checksum(b))
}

// unseal checks a payload's footer and returns what stands before it, and whether Valkey wrote it.
func unseal(payload []byte) (b []byte, valkey bool, err error) {
	n := len(payload) - footerBytes
	if n < 0 || binary.LittleEndian.Uint64(payload[n+2:]) != checksum(payload[:n+2]) {
		return nil, false, ErrChecksum
	}
	v := binary.LittleEndian.Uint16(payload[n:])
	valkey = v >= minValkeyVersion
	if !valkey && v > maxRedisVersion || v > maxValkeyVersion {
		return nil, false, ErrChecksum
	}
	return payload[:n], valkey, nil
}
