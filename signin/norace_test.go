//go:build !race

package signin_test

// raceDetector tells that the race detector is at work.
const raceDetector = false
