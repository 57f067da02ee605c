;; One row of a bilinear resampling: packed RGB bytes to three planes of float32, four pixels a turn.
;;
;; Eight bytes at a sample hold it and its right neighbour: R G B R' G' B' and two that are not used (the caller leaves room behind
;; the last sample). So four pixels cost eight loads; the dwords of the loads are regrouped into R G B R' and G' B' of four pixels,
;; from which every channel comes by one mask, shift or byte shuffle. The weights of the two rows carry the channel's gain.
(module
  (memory (export "memory") 1 65536)
  (func (export "row")
    (param $top i32)            ;; address of column 0 in the upper source row
    (param $bottom i32)         ;; the same in the lower
    (param $topWeight f32)
    (param $bottomWeight f32)
    (param $columns i32)        ;; how many pixels, at least 4
    (param $table i32)          ;; i32[columns] byte offsets of the left samples, f32[columns] their weights, f32[columns] the right ones'
    (param $levels i32)         ;; f32[3] gains, f32[3] shifts, by source channel
    (param $red i32)            ;; address of the row in the plane of each source channel
    (param $green i32)
    (param $blue i32)
    (local $x i32) (local $at i32) (local $last i32)
    (local $lefts i32) (local $rights i32)
    (local $o0 i32) (local $o1 i32) (local $o2 i32) (local $o3 i32)
    (local $top01 v128) (local $top23 v128) (local $bottom01 v128) (local $bottom23 v128)
    (local $topNear v128) (local $topFar v128) (local $bottomNear v128) (local $bottomFar v128)
    (local $left v128) (local $right v128)
    (local $low v128) (local $second v128) (local $third v128)
    (local $topRed v128) (local $topGreen v128) (local $topBlue v128)
    (local $bottomRed v128) (local $bottomGreen v128) (local $bottomBlue v128)
    (local $shiftRed v128) (local $shiftGreen v128) (local $shiftBlue v128)
    (local.set $lefts (i32.add (local.get $table) (i32.shl (local.get $columns) (i32.const 2))))
    (local.set $rights (i32.add (local.get $lefts) (i32.shl (local.get $columns) (i32.const 2))))
    (local.set $last (i32.shl (i32.sub (local.get $columns) (i32.const 4)) (i32.const 2)))
    (local.set $low (v128.const i32x4 255 255 255 255))
    ;; The second and the third byte of each dword; an index of 128 gives zero.
    (local.set $second (v128.const i8x16 1 128 128 128 5 128 128 128 9 128 128 128 13 128 128 128))
    (local.set $third (v128.const i8x16 2 128 128 128 6 128 128 128 10 128 128 128 14 128 128 128))
    (local.set $topRed (f32x4.splat (f32.mul (local.get $topWeight) (f32.load (local.get $levels)))))
    (local.set $topGreen (f32x4.splat (f32.mul (local.get $topWeight) (f32.load offset=4 (local.get $levels)))))
    (local.set $topBlue (f32x4.splat (f32.mul (local.get $topWeight) (f32.load offset=8 (local.get $levels)))))
    (local.set $bottomRed (f32x4.splat (f32.mul (local.get $bottomWeight) (f32.load (local.get $levels)))))
    (local.set $bottomGreen (f32x4.splat (f32.mul (local.get $bottomWeight) (f32.load offset=4 (local.get $levels)))))
    (local.set $bottomBlue (f32x4.splat (f32.mul (local.get $bottomWeight) (f32.load offset=8 (local.get $levels)))))
    (local.set $shiftRed (v128.load32_splat offset=12 (local.get $levels)))
    (local.set $shiftGreen (v128.load32_splat offset=16 (local.get $levels)))
    (local.set $shiftBlue (v128.load32_splat offset=20 (local.get $levels)))
    (block $done (loop $each4
      (local.set $at (i32.add (local.get $table) (local.get $x)))
      (local.set $o0 (i32.load (local.get $at)))
      (local.set $o1 (i32.load offset=4 (local.get $at)))
      (local.set $o2 (i32.load offset=8 (local.get $at)))
      (local.set $o3 (i32.load offset=12 (local.get $at)))
      (local.set $top01 (v128.load64_lane 1
        (i32.add (local.get $top) (local.get $o1))
        (v128.load64_zero (i32.add (local.get $top) (local.get $o0)))))
      (local.set $top23 (v128.load64_lane 1
        (i32.add (local.get $top) (local.get $o3))
        (v128.load64_zero (i32.add (local.get $top) (local.get $o2)))))
      (local.set $bottom01 (v128.load64_lane 1
        (i32.add (local.get $bottom) (local.get $o1))
        (v128.load64_zero (i32.add (local.get $bottom) (local.get $o0)))))
      (local.set $bottom23 (v128.load64_lane 1
        (i32.add (local.get $bottom) (local.get $o3))
        (v128.load64_zero (i32.add (local.get $bottom) (local.get $o2)))))
      (local.set $topNear (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $top01) (local.get $top23)))
      (local.set $topFar (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $top01) (local.get $top23)))
      (local.set $bottomNear
        (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $bottom01) (local.get $bottom23)))
      (local.set $bottomFar
        (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $bottom01) (local.get $bottom23)))
      (local.set $left (v128.load (i32.add (local.get $lefts) (local.get $x))))
      (local.set $right (v128.load (i32.add (local.get $rights) (local.get $x))))
      (v128.store (i32.add (local.get $red) (local.get $x))
        (f32x4.add
          (f32x4.add
            (f32x4.mul (local.get $left) (f32x4.add
              (f32x4.mul (local.get $topRed)
                (f32x4.convert_i32x4_s (v128.and (local.get $topNear) (local.get $low))))
              (f32x4.mul (local.get $bottomRed)
                (f32x4.convert_i32x4_s (v128.and (local.get $bottomNear) (local.get $low))))))
            (f32x4.mul (local.get $right) (f32x4.add
              (f32x4.mul (local.get $topRed)
                (f32x4.convert_i32x4_s (i32x4.shr_u (local.get $topNear) (i32.const 24))))
              (f32x4.mul (local.get $bottomRed)
                (f32x4.convert_i32x4_s (i32x4.shr_u (local.get $bottomNear) (i32.const 24)))))))
          (local.get $shiftRed)))
      (v128.store (i32.add (local.get $green) (local.get $x))
        (f32x4.add
          (f32x4.add
            (f32x4.mul (local.get $left) (f32x4.add
              (f32x4.mul (local.get $topGreen)
                (f32x4.convert_i32x4_s (i8x16.swizzle (local.get $topNear) (local.get $second))))
              (f32x4.mul (local.get $bottomGreen)
                (f32x4.convert_i32x4_s (i8x16.swizzle (local.get $bottomNear) (local.get $second))))))
            (f32x4.mul (local.get $right) (f32x4.add
              (f32x4.mul (local.get $topGreen)
                (f32x4.convert_i32x4_s (v128.and (local.get $topFar) (local.get $low))))
              (f32x4.mul (local.get $bottomGreen)
                (f32x4.convert_i32x4_s (v128.and (local.get $bottomFar) (local.get $low)))))))
          (local.get $shiftGreen)))
      (v128.store (i32.add (local.get $blue) (local.get $x))
        (f32x4.add
          (f32x4.add
            (f32x4.mul (local.get $left) (f32x4.add
              (f32x4.mul (local.get $topBlue)
                (f32x4.convert_i32x4_s (i8x16.swizzle (local.get $topNear) (local.get $third))))
              (f32x4.mul (local.get $bottomBlue)
                (f32x4.convert_i32x4_s (i8x16.swizzle (local.get $bottomNear) (local.get $third))))))
            (f32x4.mul (local.get $right) (f32x4.add
              (f32x4.mul (local.get $topBlue)
                (f32x4.convert_i32x4_s (i8x16.swizzle (local.get $topFar) (local.get $second))))
              (f32x4.mul (local.get $bottomBlue)
                (f32x4.convert_i32x4_s (i8x16.swizzle (local.get $bottomFar) (local.get $second)))))))
          (local.get $shiftBlue)))
      ;; The last turn goes back so far that it ends with the row: some pixels are written twice, none beyond it.
      (br_if $done (i32.eq (local.get $x) (local.get $last)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (local.set $x (select (local.get $x) (local.get $last) (i32.lt_u (local.get $x) (local.get $last))))
      (br $each4)))))
