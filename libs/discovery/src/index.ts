export {
  DirectoryFollower,
  type DirectoryQuestion,
  type DirectorySource,
  type FollowerOptions,
  type FollowerStatus,
} from './directory-follower';
export { endpointsOf, type InstanceEndpoint } from './instance-endpoints';
export { DirectorySnapshot, type Entry, type Target } from './directory-snapshot';
