/**
 * Where a requester is, as the operator says it by network, and the location contexts of a rule (TS-0001 9.6.2.3). No request
 * carries a position, so without the setting a rule that asks for one never holds.
 */
import type { JsonObject } from '../onem2m/primitive.ts';
import { compileAddresses } from './access-addresses.ts';
import { numbersOf, stringsOf } from './json-values.ts';

export interface Location {
  /** ISO 3166-1 alpha-2, in capitals. */
  country?: string;
  /** Degrees. */
  position?: { latitude: number; longitude: number };
}

/** Requesters from this address or CIDR range are there. */
export interface NetworkLocation extends Location {
  network: string;
}

export type Locator = (address: string | undefined) => Location | undefined;

/** The first network that covers an address says where it is. */
export function createLocator(locations: readonly NetworkLocation[]): Locator {
  const entries = locations.map((location) => ({ location, covers: compileAddresses([location.network]) }));
  return (address) => entries.find(({ covers }) => covers(address))?.location;
}

const entryPattern =
  /^([0-9A-Fa-f.:]+(?:\/\d{1,3})?)=(?:([A-Za-z]{2}))?(?:\/(-?\d{1,2}(?:\.\d{1,8})?)\/(-?\d{1,3}(?:\.\d{1,8})?))?$/;

/** `192.0.2.0/24=DE/48.14/11.58`: country, latitude and longitude, or one of both; undefined when it is neither. */
export function parseNetworkLocation(text: string): NetworkLocation | undefined {
  const match = entryPattern.exec(text);
  if (!match) return undefined;
  const [, network = '', country, latitude, longitude] = match;
  if (country === undefined && latitude === undefined) return undefined;
  const position = { latitude: Number(latitude), longitude: Number(longitude) };
  if (latitude !== undefined && (Math.abs(position.latitude) > 90 || Math.abs(position.longitude) > 180))
    return undefined;
  return {
    network,
    ...(country === undefined ? {} : { country: country.toUpperCase() }),
    ...(latitude === undefined ? {} : { position }),
  };
}

/** Tells of a location whether it lies in accessControlLocationRegion: in one of the countries, or within the circle. */
export function compileRegion(region: JsonObject): (location: Location | undefined) => boolean {
  const countries = new Set(stringsOf(region['countryCode']).map((code) => code.toUpperCase()));
  const [latitude, longitude, radius] = numbersOf(region['circRegion']);
  const circle =
    latitude === undefined || longitude === undefined || radius === undefined
      ? undefined
      : { center: { latitude, longitude }, radius };
  return (location) => {
    if (location?.country !== undefined && countries.has(location.country)) return true;
    if (!circle || !location?.position) return false;
    return distance(circle.center, location.position) <= circle.radius;
  };
}

/** Mean radius of the earth in metres. */
const earthRadius = 6_371_000;

/** Great-circle distance in metres. */
function distance(from: NonNullable<Location['position']>, to: NonNullable<Location['position']>): number {
  const radians = Math.PI / 180;
  const latitudes = Math.sin(((to.latitude - from.latitude) * radians) / 2) ** 2;
  const longitudes = Math.sin(((to.longitude - from.longitude) * radians) / 2) ** 2;
  const share = latitudes + longitudes * Math.cos(from.latitude * radians) * Math.cos(to.latitude * radians);
  return 2 * earthRadius * Math.asin(Math.min(1, Math.sqrt(share)));
}
