// The inner loops of the reader: convolutions, four output channels and two pixels at a time.
//
// Build here, after `pip install ziglang==0.17.1`:
// python -m ziglang cc -target wasm32-freestanding -mcpu=generic+simd128 -nostdlib -O3 -s -Wl,--no-entry -Wl,--export=__heap_base kernels.c -o kernels.wasm
//
// `reader/convolution.js` lays out the numbers. What a kernel covers of a picture is `pieces` of
// neighbouring numbers, for instance one for each row of the kernel, at `offsets` from the first.
// Each is filled up to `vectors` whole vectors, and the weights of the filling are 0. The same
// numbers of four output channels follow each other; if need be, weights of 0 make them four.
//
// `row_step` and `pixel_step`: numbers of the image from one answer to the next.

#include <stdint.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name))) void name

// Exchange rows and columns of four times four numbers.
static inline void transpose(v128_t *v) {
  v128_t a = wasm_i32x4_shuffle(v[0], v[1], 0, 4, 1, 5);
  v128_t b = wasm_i32x4_shuffle(v[2], v[3], 0, 4, 1, 5);
  v128_t c = wasm_i32x4_shuffle(v[0], v[1], 2, 6, 3, 7);
  v128_t d = wasm_i32x4_shuffle(v[2], v[3], 2, 6, 3, 7);
  v[0] = wasm_i32x4_shuffle(a, b, 0, 1, 4, 5);
  v[1] = wasm_i32x4_shuffle(a, b, 2, 3, 6, 7);
  v[2] = wasm_i32x4_shuffle(c, d, 0, 1, 4, 5);
  v[3] = wasm_i32x4_shuffle(c, d, 2, 3, 6, 7);
}

// As XNNPACK does: the sum of a channel's four lanes and its bias is scaled as a float32, clamped,
// and rounded to the nearest integer, halves to the even one.
static inline void store_int8(int8_t *answer, int channels, v128_t *sums, v128_t bias, v128_t scale,
                              int zero_point, int low, int high) {
  transpose(sums);
  for (int i = 0; i < 4; i++) bias = wasm_i32x4_add(bias, sums[i]);
  v128_t x = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(bias), scale);
  x = wasm_f32x4_max(x, wasm_f32x4_splat(low - zero_point));
  x = wasm_f32x4_min(x, wasm_f32x4_splat(high - zero_point));
  x = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(x));
  int32_t lanes[4];
  wasm_v128_store(lanes, wasm_i32x4_add(x, wasm_i32x4_splat(zero_point)));
  for (int c = 0; c < 4 && c < channels; c++) answer[c] = lanes[c];
}

static inline void store_float32(float *answer, int channels, v128_t *sums, v128_t bias, float low,
                                 float high) {
  transpose(sums);
  for (int i = 0; i < 4; i++) bias = wasm_f32x4_add(bias, sums[i]);
  float lanes[4];
  bias = wasm_f32x4_max(bias, wasm_f32x4_splat(low));
  wasm_v128_store(lanes, wasm_f32x4_min(bias, wasm_f32x4_splat(high)));
  for (int c = 0; c < 4 && c < channels; c++) answer[c] = lanes[c];
}

// `image`: the int8 numbers less their zero point.
EXPORT(convolve_int8)(const int16_t *image, int row_step, int pixel_step, const int32_t *offsets,
                      int pieces, int vectors, const int16_t *weights, const int32_t *bias,
                      int8_t *answer, int height, int width, int channels, const float *scale,
                      int zero_point, int low, int high) {
  for (int channel = 0; channel < channels; channel += 4) {
    for (int pixel = 0; pixel < height * width; pixel += 2) {
      int next = pixel + 1 < height * width ? pixel + 1 : pixel;  // an odd last one is done twice
      const int16_t *left = image + pixel / width * row_step + pixel % width * pixel_step;
      const int16_t *right = image + next / width * row_step + next % width * pixel_step;
      const int16_t *w = weights + channel * pieces * vectors * 8;
      v128_t left_sums[4] = {0}, right_sums[4] = {0};
      for (int piece = 0; piece < pieces; piece++) {
        const int16_t *l = left + offsets[piece], *r = right + offsets[piece];
        for (int i = 0; i < vectors; i++, l += 8, r += 8) {
          v128_t x = wasm_v128_load(l), y = wasm_v128_load(r);
          for (int c = 0; c < 4; c++, w += 8) {
            v128_t weight = wasm_v128_load(w);
            left_sums[c] = wasm_i32x4_add(left_sums[c], wasm_i32x4_dot_i16x8(x, weight));
            right_sums[c] = wasm_i32x4_add(right_sums[c], wasm_i32x4_dot_i16x8(y, weight));
          }
        }
      }
      v128_t b = wasm_v128_load(bias + channel), s = wasm_v128_load(scale + channel);
      int8_t *a = answer + channel;
      store_int8(a + pixel * channels, channels - channel, left_sums, b, s, zero_point, low, high);
      store_int8(a + next * channels, channels - channel, right_sums, b, s, zero_point, low, high);
    }
  }
}

EXPORT(convolve_float32)(const float *image, int row_step, int pixel_step, const int32_t *offsets,
                         int pieces, int vectors, const float *weights, const float *bias,
                         float *answer, int height, int width, int channels, float low,
                         float high) {
  for (int channel = 0; channel < channels; channel += 4) {
    for (int pixel = 0; pixel < height * width; pixel += 2) {
      int next = pixel + 1 < height * width ? pixel + 1 : pixel;
      const float *left = image + pixel / width * row_step + pixel % width * pixel_step;
      const float *right = image + next / width * row_step + next % width * pixel_step;
      const float *w = weights + channel * pieces * vectors * 4;
      v128_t left_sums[4] = {0}, right_sums[4] = {0};
      for (int piece = 0; piece < pieces; piece++) {
        const float *l = left + offsets[piece], *r = right + offsets[piece];
        for (int i = 0; i < vectors; i++, l += 4, r += 4) {
          v128_t x = wasm_v128_load(l), y = wasm_v128_load(r);
          for (int c = 0; c < 4; c++, w += 4) {
            v128_t weight = wasm_v128_load(w);
            left_sums[c] = wasm_f32x4_add(left_sums[c], wasm_f32x4_mul(x, weight));
            right_sums[c] = wasm_f32x4_add(right_sums[c], wasm_f32x4_mul(y, weight));
          }
        }
      }
      v128_t b = wasm_v128_load(bias + channel);
      float *a = answer + channel;
      store_float32(a + pixel * channels, channels - channel, left_sums, b, low, high);
      store_float32(a + next * channels, channels - channel, right_sums, b, low, high);
    }
  }
}
