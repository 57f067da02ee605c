;; Squared L2 distances of one query to consecutive rows of float32, 16 lanes a turn.
;;
;; (a - b)² is summed as such, not |a|² + |b|² - 2ab: it costs one more instruction a lane, which memory bandwidth hides,
;; needs no stored norms, cannot turn negative, and is exact where it matters, for vectors that nearly coincide.
;;
;; The caller pads rows and query with zeros to a multiple of 16 floats and aligns them to 16 bytes.
(module
  (memory (export "memory") 1 65536)
  (func (export "squaredDistances")
    (param $query i32)     ;; byte offset of the query
    (param $row i32)       ;; byte offset of the first row
    (param $rows i32)      ;; how many rows
    (param $rowBytes i32)  ;; length of a row, a multiple of 64
    (param $out i32)       ;; byte offset of the results, one f32 a row
    (local $q i32)
    (local $rowEnd i32)
    (local $outEnd i32)
    (local $d v128)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (local.set $outEnd (i32.add (local.get $out) (i32.shl (local.get $rows) (i32.const 2))))
    (block $done
      (loop $eachRow
        (br_if $done (i32.ge_u (local.get $out) (local.get $outEnd)))
        (local.set $q (local.get $query))
        (local.set $rowEnd (i32.add (local.get $row) (local.get $rowBytes)))
        (local.set $s0 (v128.const f32x4 0 0 0 0))
        (local.set $s1 (v128.const f32x4 0 0 0 0))
        (local.set $s2 (v128.const f32x4 0 0 0 0))
        (local.set $s3 (v128.const f32x4 0 0 0 0))
        (loop $each16
          (local.set $d (f32x4.sub (v128.load (local.get $row)) (v128.load (local.get $q))))
          (local.set $s0 (f32x4.add (local.get $s0) (f32x4.mul (local.get $d) (local.get $d))))
          (local.set $d (f32x4.sub (v128.load offset=16 (local.get $row)) (v128.load offset=16 (local.get $q))))
          (local.set $s1 (f32x4.add (local.get $s1) (f32x4.mul (local.get $d) (local.get $d))))
          (local.set $d (f32x4.sub (v128.load offset=32 (local.get $row)) (v128.load offset=32 (local.get $q))))
          (local.set $s2 (f32x4.add (local.get $s2) (f32x4.mul (local.get $d) (local.get $d))))
          (local.set $d (f32x4.sub (v128.load offset=48 (local.get $row)) (v128.load offset=48 (local.get $q))))
          (local.set $s3 (f32x4.add (local.get $s3) (f32x4.mul (local.get $d) (local.get $d))))
          (local.set $q (i32.add (local.get $q) (i32.const 64)))
          (local.set $row (i32.add (local.get $row) (i32.const 64)))
          (br_if $each16 (i32.ne (local.get $row) (local.get $rowEnd))))
        (local.set $d (f32x4.add
          (f32x4.add (local.get $s0) (local.get $s1))
          (f32x4.add (local.get $s2) (local.get $s3))))
        (f32.store (local.get $out)
          (f32.add
            (f32.add (f32x4.extract_lane 0 (local.get $d)) (f32x4.extract_lane 1 (local.get $d)))
            (f32.add (f32x4.extract_lane 2 (local.get $d)) (f32x4.extract_lane 3 (local.get $d)))))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (br $eachRow)))))
