import { type CameraSourceConfig } from '../../config/schema/cameras';
import { LIST_FORMAT, LIST_PROTOCOL } from './network-input';

type FfmpegConfig = Extract<CameraSourceConfig, { type: 'ffmpeg' }>;

/**
 * The formats that ffmpeg may detect in an answer or a file. Prevents this attack: a camera that answers with a
 * playlist (HLS, DASH, concat, SDP) makes this box open addresses of its choice, on its own network or on this machine;
 * a playlist on disk names other files.
 */
const ONE_STREAM = 'mpjpeg,mjpeg,jpeg_pipe,mpegts,mov,mp4,flv,matroska,webm,h264,hevc';
const FILES = `${ONE_STREAM},avi,mpeg,mpegvideo,m4v,ogg,asf,gif,apng,png_pipe,yuv4mpegpipe,ivf,obu,nut,mxf,dv`;
const HTTP = 'http,https,tcp,tls,httpproxy';
const RTSP = 'tcp,tls,udp,rtp,srtp';

/** A playlist is opened only where the address itself says that it is one. */
function isPlaylist(input: string): boolean {
  return /\.m3u8(?:[?#]|$)/i.test(input);
}

/** Arguments before `-i`. */
export function inputPins(kind: 'rtsp' | 'http' | 'file', { input }: Pick<FfmpegConfig, 'input'>): string[] {
  if (kind === 'file') return ['-protocol_whitelist', 'file', '-format_whitelist', FILES];
  if (kind === 'rtsp')
    return ['-protocol_whitelist', `${LIST_PROTOCOL},${RTSP}`, '-format_whitelist', `${LIST_FORMAT},rtsp,rtp,mpegts`];
  return isPlaylist(input)
    ? [
        ...['-protocol_whitelist', `${LIST_PROTOCOL},${HTTP},crypto`],
        ...['-format_whitelist', `${LIST_FORMAT},hls,${ONE_STREAM}`],
      ]
    : ['-protocol_whitelist', `${LIST_PROTOCOL},${HTTP}`, '-format_whitelist', `${LIST_FORMAT},${ONE_STREAM}`];
}
