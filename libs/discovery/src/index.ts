export {
  DirectoryFollower,
  type DirectorySource,
  type FollowerOptions,
  type FollowerStatus,
} from './directory-follower';
export { DirectorySnapshot, type Entry, type Target } from './directory-snapshot';
